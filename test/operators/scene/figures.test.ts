import { describe, expect, it } from 'vitest';
import { Canvas } from '#operators/scene/canvas.js';
import { bicycleLook, drawBicycle } from '#operators/scene/figures/bicycle.js';
import { carLook, drawCar } from '#operators/scene/figures/car.js';
import { dogLook, drawDog } from '#operators/scene/figures/dog.js';
import type { Stance } from '#operators/scene/figures/pen.js';
import { drawRider, drawWalker } from '#operators/scene/figures/person.js';
import { personLook } from '#operators/scene/figures/personLook.js';
import { Random } from '#operators/scene/random.js';

type Draw = (canvas: Canvas, stance: Stance, phase: number, random: Random) => void;

const figures: [string, Draw][] = [
  ['walker', (canvas, stance, phase, random) => drawWalker(canvas, stance, personLook(random), phase)],
  ['rider', (canvas, stance, phase, random) => drawRider(canvas, stance, personLook(random), phase)],
  ['dog', (canvas, stance, phase, random) => drawDog(canvas, stance, dogLook(random), phase)],
  ['car', (canvas, stance, phase, random) => drawCar(canvas, stance, carLook(random), phase)],
  ['bicycle', (canvas, stance, phase, random) => drawBicycle(canvas, stance, bicycleLook(random), phase)],
];

const [width, height] = [400, 200];
/** A colour that no figure has. */
const green = [0, 255, 1] as const;
const backdrop = Uint8Array.from({ length: width * height * 3 }, (_, at) => green[at % 3] ?? 0);

describe.each(figures)('the box of a %s', (_, draw) => {
  it.each([1, -1] as const)('is the smallest around its pixels, looking to %i', (facing) => {
    for (let seed = 0; seed < 20; seed++) {
      const canvas = new Canvas(width, height);
      canvas.reset(backdrop);
      const owner = canvas.claim();
      draw(canvas, { x: 200, y: 180, scale: 60, facing }, seed * 0.7, new Random(seed));
      const { bounds, drawn, visible } = canvas.traces(owner);
      const pixels = extent(canvas);
      expect(drawn).toBeGreaterThan(300);
      expect(visible).toBe(drawn);
      for (const side of [0, 1, 2, 3] as const) expect(Math.abs((bounds?.[side] ?? NaN) - pixels[side])).toBeLessThan(1.5);
    }
  });
});

describe('Canvas', () => {
  it('counts what is hidden by what is drawn later', () => {
    const canvas = new Canvas(100, 100);
    const back = canvas.claim();
    canvas.polygon(
      [
        [10, 10],
        [50, 10],
        [50, 50],
        [10, 50],
      ],
      [9, 9, 9],
    );
    const front = canvas.claim();
    canvas.polygon(
      [
        [30, 0],
        [90, 0],
        [90, 90],
        [30, 90],
      ],
      [200, 9, 9],
    );
    expect(canvas.traces(back)).toEqual({ bounds: [10, 10, 50, 50], drawn: 1600, visible: 800 });
    expect(canvas.traces(front)).toMatchObject({ drawn: 5400, visible: 5400 });
  });

  it('draws what lies partly outside, and keeps its whole box', () => {
    const canvas = new Canvas(100, 100);
    const owner = canvas.claim();
    canvas.ellipse([0, 50], 20, 20, [255, 255, 255]);
    const { bounds, drawn } = canvas.traces(owner);
    expect(bounds).toEqual([-20, 30, 20, 70]);
    expect(Math.abs(drawn - (Math.PI * 400) / 2)).toBeLessThan(30);
  });
});

function extent({ pixels }: Canvas): [number, number, number, number] {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      const distance = green.reduce<number>((sum, value, channel) => sum + Math.abs(value - (pixels[at + channel] ?? 0)), 0);
      if (distance < 24) continue;
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1);
      box[3] = Math.max(box[3], y + 1);
    }
  }
  return box;
}
