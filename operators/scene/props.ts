import { Pen, tone, type Stance } from './figures/pen.js';
import { hash, Random } from './random.js';
import type { Drawable } from './casts.js';
import type { View } from './view.js';

/** Lamp posts, trees and bins: they stand in the street and may hide those behind them. */
export function placeProps(seed: number, view: View): Drawable[] {
  const random = new Random(hash(seed, 4));
  const kerbs = [view.road - 2, view.nearPavement + 6];
  return kerbs.flatMap((ground) => {
    const spacing = random.between(190, 320);
    const props: Drawable[] = [];
    for (let x = random.between(0, spacing); x < view.width; x += spacing * random.between(0.7, 1.3)) {
      const stance: Stance = {
        x: x * view.unit,
        y: ground * view.unit,
        scale: view.scaleAt(ground) * view.unit,
        facing: random.chance(0.5) ? 1 : -1,
      };
      const draw = random.pick([drawLamp, drawTree, drawBin]);
      const light = random.between(0.7, 1.2);
      props.push({ y: stance.y, draw: (canvas) => draw(new Pen(canvas, stance), light) });
    }
    return props;
  });
}

function drawLamp(pen: Pen, light: number): void {
  pen.limb(
    [
      [0, 0],
      [0, 4.6],
      [0.5, 4.9],
    ],
    0.06,
    tone([70, 76, 78], light),
    0.04,
  );
  pen.ellipse([0.62, 4.86], 0.2, 0.08, [226, 222, 200]);
}

function drawTree(pen: Pen, light: number): void {
  pen.limb(
    [
      [0, 0],
      [0.05, 2.3],
    ],
    0.11,
    tone([84, 64, 46], light),
    0.08,
  );
  for (const [forward, up, size] of [
    [0, 3.1, 0.85],
    [-0.6, 2.7, 0.55],
    [0.62, 2.8, 0.6],
    [0.1, 3.7, 0.6],
  ] as const)
    pen.ellipse([forward, up], size, size * 0.85, tone([66, 112, 54], light * (0.85 + 0.1 * size)));
}

function drawBin(pen: Pen, light: number): void {
  pen.polygon(
    [
      [-0.24, 0],
      [0.24, 0],
      [0.3, 0.9],
      [-0.3, 0.9],
    ],
    tone([56, 84, 70], light),
  );
  pen.polygon(
    [
      [-0.33, 0.88],
      [0.33, 0.88],
      [0.3, 1],
      [-0.3, 1],
    ],
    tone([40, 56, 50], light),
  );
}
