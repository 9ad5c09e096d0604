import type { Canvas, Colour } from '../canvas.js';
import type { Random } from '../random.js';
import { paint } from './palette.js';
import { Pen, tone, type Spot, type Stance } from './pen.js';

/** What one bicycle looks like. */
export interface BicycleLook {
  readonly frame: Colour;
  readonly tyre: Colour;
  readonly basket: Colour | undefined;
}

export function bicycleLook(random: Random): BicycleLook {
  const dark = random.between(15, 60);
  return { frame: paint(random), tyre: [dark, dark, dark], basket: random.chance(0.3) ? paint(random) : undefined };
}

/** Draws a bicycle; `phase` turns its pedals, and its wheels faster. */
export function drawBicycle(canvas: Canvas, stance: Stance, look: BicycleLook, phase: number): void {
  const pen = new Pen(canvas, stance);
  const rear: Spot = [-0.52, 0.34];
  const front: Spot = [0.55, 0.34];
  const crank: Spot = [0.02, 0.3];
  const seat: Spot = [-0.16, 0.8];
  const head: Spot = [0.36, 0.82];
  for (const hub of [rear, front]) {
    for (let spoke = 0; spoke < 6; spoke++) {
      const turn = (spoke * Math.PI) / 6 - 2.2 * phase;
      const reach = [0.3 * Math.cos(turn), 0.3 * Math.sin(turn)] as const;
      pen.limb(
        [
          [hub[0] - reach[0], hub[1] - reach[1]],
          [hub[0] + reach[0], hub[1] + reach[1]],
        ],
        0.006,
        [150, 150, 154],
      );
    }
    pen.ring(hub, 0.31, 0.03, look.tyre);
    pen.ellipse(hub, 0.035, 0.035, look.tyre);
  }
  const tube = 0.026;
  pen.limb([rear, crank, head, seat, crank], tube, look.frame);
  pen.limb([rear, seat], tube * 0.8, look.frame);
  pen.limb([front, [0.36, 0.82], [0.34, 1.0], [0.46, 1.05]], tube, tone(look.frame, 0.85));
  pen.limb([seat, [-0.19, 0.92]], tube, [60, 60, 64]);
  pen.limb(
    [
      [-0.31, 0.93],
      [-0.06, 0.92],
    ],
    0.035,
    [24, 22, 22],
  );
  pen.ring(crank, 0.08, 0.018, [70, 70, 74]);
  pen.limb(
    [
      [crank[0] - 0.17 * Math.cos(phase), crank[1] + 0.17 * Math.sin(phase)],
      [crank[0] + 0.17 * Math.cos(phase), crank[1] - 0.17 * Math.sin(phase)],
    ],
    0.016,
    [70, 70, 74],
  );
  if (look.basket)
    pen.polygon(
      [
        [0.44, 0.98],
        [0.8, 0.98],
        [0.74, 0.72],
        [0.5, 0.72],
      ],
      look.basket,
    );
}
