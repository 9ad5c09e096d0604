import type { Canvas, Colour } from '../canvas.js';
import type { Random } from '../random.js';
import { fur, paint } from './palette.js';
import { hang, Pen, tone, type Spot, type Stance } from './pen.js';

/** What one dog looks like. */
export interface DogLook {
  /** Height at the shoulder in metres. */
  readonly shoulder: number;
  /** Length of the body over its height. */
  readonly stretch: number;
  readonly fur: Colour;
  readonly ears: Colour;
  readonly collar: Colour;
  readonly hangingEars: boolean;
}

export function dogLook(random: Random): DogLook {
  const coat = fur(random);
  return {
    shoulder: random.between(0.46, 0.72),
    stretch: random.between(0.95, 1.3),
    fur: coat,
    ears: random.chance(0.4) ? fur(random) : tone(coat, 0.7),
    collar: paint(random),
    hangingEars: random.chance(0.5),
  };
}

/** Where the lead is fixed, in metres. */
export function dogNeck(look: DogLook): Spot {
  return [0.52 * look.shoulder * look.stretch, 1.02 * look.shoulder];
}

/** Draws a dog that trots; `phase` counts strides in radians. */
export function drawDog(canvas: Canvas, stance: Stance, look: DogLook, phase: number): void {
  const pen = new Pen(canvas, stance);
  const s = look.shoulder;
  const front = 0.42 * s * look.stretch;
  const back = -0.48 * s * look.stretch;
  const bob = 0.015 * s * Math.cos(2 * phase);
  const up = 0.78 * s + bob;
  const leg = (forward: number, step: number, light: number): void => {
    const top: Spot = [forward, up - 0.12 * s];
    const swing = 0.55 * Math.sin(step);
    const joint = hang(top, 0.32 * s, swing * 0.6 + 0.12);
    const paw = hang(joint, 0.3 * s, swing - 0.25 - 0.35 * Math.max(0, Math.cos(step)));
    pen.limb([top, joint, paw], 0.1 * s, tone(look.fur, light), 0.055 * s);
    pen.limb([paw, [paw[0] + 0.07 * s, paw[1]]], 0.05 * s, tone(look.fur, light * 0.9));
  };
  leg(back + 0.04 * s, phase, 0.7);
  leg(front - 0.02 * s, phase + Math.PI, 0.7);
  const wag = 0.5 + 0.25 * Math.sin(1.7 * phase);
  pen.limb(
    [
      [back - 0.08 * s, up + 0.06 * s],
      [back - 0.3 * s, up + 0.2 * s * wag + 0.08 * s],
      [back - 0.42 * s, up + 0.55 * s * wag + 0.1 * s],
    ],
    0.07 * s,
    look.fur,
    0.035 * s,
  );
  pen.limb(
    [
      [back, up],
      [front, up + 0.02 * s],
    ],
    0.19 * s,
    look.fur,
    0.23 * s,
  );
  leg(back, phase + Math.PI, 1);
  leg(front, phase, 1);
  const head: Spot = [front + 0.3 * s, up + 0.48 * s + bob];
  pen.limb([[front + 0.02 * s, up + 0.08 * s], head], 0.17 * s, look.fur, 0.14 * s);
  pen.limb(
    [
      [front + 0.11 * s, up + 0.13 * s],
      [front + 0.22 * s, up + 0.33 * s],
    ],
    0.05 * s,
    look.collar,
  );
  pen.ellipse(head, 0.19 * s, 0.17 * s, look.fur);
  pen.limb(
    [
      [head[0] + 0.1 * s, head[1] - 0.04 * s],
      [head[0] + 0.34 * s, head[1] - 0.08 * s],
    ],
    0.09 * s,
    tone(look.fur, 1.12),
    0.065 * s,
  );
  pen.ellipse([head[0] + 0.39 * s, head[1] - 0.05 * s], 0.035 * s, 0.035 * s, [20, 16, 16]);
  pen.ellipse([head[0] + 0.1 * s, head[1] + 0.05 * s], 0.025 * s, 0.03 * s, [20, 16, 16]);
  const ear: readonly Spot[] = look.hangingEars
    ? [
        [head[0] - 0.04 * s, head[1] + 0.1 * s],
        [head[0] - 0.12 * s, head[1] - 0.18 * s],
      ]
    : [
        [head[0] - 0.06 * s, head[1] + 0.08 * s],
        [head[0] - 0.1 * s, head[1] + 0.28 * s],
      ];
  pen.limb(ear, 0.075 * s, look.ears, look.hangingEars ? 0.06 * s : 0.02 * s);
}
