import { Canvas, type Colour } from './canvas.js';
import { paint } from './figures/palette.js';
import { tone } from './figures/pen.js';
import { hash, Random } from './random.js';
import { unitHeight, type View } from './view.js';

const skies = [
  [
    [96, 150, 214],
    [200, 222, 240],
  ],
  [
    [150, 160, 172],
    [206, 210, 214],
  ],
  [
    [108, 128, 186],
    [240, 206, 176],
  ],
  [
    [72, 118, 190],
    [172, 206, 236],
  ],
] as const satisfies readonly (readonly [Colour, Colour])[];

const walls = [
  [176, 120, 92],
  [206, 190, 162],
  [150, 84, 70],
  [188, 192, 190],
  [222, 206, 150],
  [128, 132, 140],
  [164, 148, 170],
] as const;

/** Paints what stands still behind everybody: sky, houses, pavements and road. Returns rgb24 pixels. */
export function paintBackground(seed: number, view: View, width: number, height: number): Uint8Array {
  const random = new Random(hash(seed, 1));
  const canvas = new Canvas(width, height);
  paintSky(canvas, view, random);
  paintHouses(canvas, view, random);
  paintGround(canvas, view, random);
  roughen(canvas.pixels, width, random);
  return canvas.pixels;
}

function rectangle(canvas: Canvas, view: View, x1: number, y1: number, x2: number, y2: number, colour: Colour): void {
  const { unit } = view;
  canvas.polygon(
    [
      [x1 * unit, y1 * unit],
      [x2 * unit, y1 * unit],
      [x2 * unit, y2 * unit],
      [x1 * unit, y2 * unit],
    ],
    colour,
  );
}

function paintSky(canvas: Canvas, view: View, random: Random): void {
  const [top, bottom] = random.pick(skies);
  for (let y = 0; y < view.farPavement; y += 2) {
    const part = y / view.farPavement;
    const blend = (channel: 0 | 1 | 2): number => top[channel] + (bottom[channel] - top[channel]) * part;
    rectangle(canvas, view, 0, y, view.width, y + 2.5, [blend(0), blend(1), blend(2)]);
  }
  for (let cloud = random.between(0, 5); cloud > 1; cloud--) {
    const x = random.between(0, view.width);
    const y = random.between(6, 50);
    for (let puff = 0; puff < 4; puff++)
      canvas.ellipse(
        [(x + puff * 16) * view.unit, (y + random.between(-4, 4)) * view.unit],
        18 * view.unit,
        random.between(5, 9) * view.unit,
        tone(bottom, 1.06),
      );
  }
}

function paintHouses(canvas: Canvas, view: View, random: Random): void {
  const ground = view.farPavement + 1;
  for (let x = -random.between(0, 60); x < view.width;) {
    const wide = random.between(70, 140);
    const top = random.between(4, 62);
    const wall = tone(random.pick(walls), random.between(0.75, 1.05));
    rectangle(canvas, view, x, top, x + wide, ground, wall);
    rectangle(canvas, view, x, top, x + wide, top + 4, tone(wall, 0.7));
    paintWindows(canvas, view, random, x, top, wide, wall);
    const door = x + wide * random.between(0.15, 0.7);
    rectangle(canvas, view, door, ground - 37, door + 17, ground, tone(paint(random), 0.7));
    rectangle(canvas, view, x, ground - 5, door - 1, ground, tone(wall, 0.6));
    x += wide + (random.chance(0.15) ? random.between(6, 26) : 0);
  }
}

function paintWindows(canvas: Canvas, view: View, random: Random, x: number, top: number, wide: number, wall: Colour): void {
  const columns = Math.max(2, Math.round(wide / random.between(26, 38)));
  const gap = wide / columns;
  const pane: Colour = random.chance(0.5) ? [62, 76, 92] : [96, 116, 134];
  for (let y = top + 12; y < view.farPavement - 52; y += 30) {
    for (let column = 0; column < columns; column++) {
      const left = x + gap * (column + 0.22);
      const right = x + gap * (column + 0.78);
      rectangle(canvas, view, left - 1.5, y - 1.5, right + 1.5, y + 19.5, tone(wall, 1.2));
      rectangle(canvas, view, left, y, right, y + 18, random.chance(0.12) ? [232, 210, 140] : tone(pane, random.between(0.8, 1.2)));
      rectangle(canvas, view, (left + right) / 2 - 0.6, y, (left + right) / 2 + 0.6, y + 18, tone(wall, 1.1));
    }
  }
}

function paintGround(canvas: Canvas, view: View, random: Random): void {
  const slab = random.between(120, 190);
  const stone: Colour = [slab, slab * 0.98, slab * random.between(0.88, 1)];
  const dark = random.between(58, 96);
  const asphalt: Colour = [dark, dark, dark * random.between(0.98, 1.08)];
  rectangle(canvas, view, 0, view.farPavement, view.width, view.road, stone);
  rectangle(canvas, view, 0, view.nearPavement, view.width, unitHeight, tone(stone, 1.04));
  const middle = view.width / 2;
  for (const [from, to] of [
    [view.farPavement, view.road],
    [view.nearPavement, unitHeight],
  ] as const) {
    // Joints between slabs run to the vanishing point.
    for (let joint = -40; joint <= 40; joint++) {
      const spread = (y: number): number => middle + joint * 1.3 * view.scaleAt(y);
      canvas.capsule(
        [spread(from) * view.unit, from * view.unit],
        [spread(to) * view.unit, to * view.unit],
        0.5 * view.unit,
        tone(stone, 0.86),
      );
    }
    for (let y = from; y < to; y += 0.3 * view.scaleAt(y)) rectangle(canvas, view, 0, y, view.width, y + 0.8, tone(stone, 0.88));
  }
  rectangle(canvas, view, 0, view.road, view.width, view.nearPavement, asphalt);
  rectangle(canvas, view, 0, view.road - 2, view.width, view.road + 1.5, tone(stone, 0.68));
  rectangle(canvas, view, 0, view.nearPavement - 3, view.width, view.nearPavement + 2, tone(stone, 0.72));
  const centre = view.road + 0.44 * (view.nearPavement - view.road);
  const dash = view.scaleAt(centre) * 1.6;
  for (let x = -random.between(0, dash); x < view.width; x += 2 * dash)
    rectangle(canvas, view, x, centre - 1.2, x + dash, centre + 1.2, [214, 214, 206]);
}

/** Grain, as of plaster and asphalt, and broad patches of light. */
function roughen(pixels: Uint8Array, width: number, random: Random): void {
  const grain = random.between(3, 9);
  const waves = [0, 1, 2].map(() => ({ x: random.between(-0.02, 0.02), y: random.between(-0.02, 0.02), at: random.between(0, 6.3) }));
  for (let pixel = 0; pixel < pixels.length / 3; pixel++) {
    const x = pixel % width;
    const y = (pixel - x) / width;
    let light = (random.next() - 0.5) * 2 * grain;
    for (const wave of waves) light += 3 * Math.sin(x * wave.x + y * wave.y + wave.at);
    for (let at = pixel * 3; at < pixel * 3 + 3; at++) pixels[at] = Math.max(0, Math.min(255, (pixels[at] ?? 0) + light));
  }
}
