import type { Canvas } from '../canvas.js';
import { hang, knee, Pen, tone, type Spot, type Stance } from './pen.js';
import type { PersonLook } from './personLook.js';

/** Draws a person who walks; `phase` counts strides in radians. */
export function drawWalker(canvas: Canvas, stance: Stance, look: PersonLook, phase: number): void {
  const pen = new Pen(canvas, stance);
  const h = look.height;
  const hip: Spot = [0, 0.51 * h + 0.012 * h * Math.cos(2 * phase)];
  const shoulder: Spot = [0.02 * h, hip[1] + 0.29 * h];
  drawArm(pen, look, shoulder, -0.5 * Math.sin(phase), 0.75);
  drawLeg(pen, look, hip, phase + Math.PI, 0.78);
  drawLeg(pen, look, hip, phase, 1);
  if (look.skirt) {
    const wide = 0.13 * h * look.build;
    const hem = 0.28 * h;
    pen.polygon(
      [
        [hip[0] - 0.07 * h, hip[1] + 0.06 * h],
        [hip[0] + 0.07 * h, hip[1] + 0.06 * h],
        [wide, hem],
        [-wide, hem],
      ],
      look.trousers,
    );
  }
  if (look.bag)
    pen.limb(
      [
        [-0.11 * h, hip[1] + 0.1 * h],
        [-0.1 * h, shoulder[1] - 0.06 * h],
      ],
      0.06 * h,
      look.bag,
    );
  drawTorso(pen, look, hip, shoulder);
  drawHead(pen, look, [shoulder[0] + 0.01 * h, shoulder[1] + 0.135 * h]);
  drawArm(pen, look, shoulder, 0.5 * Math.sin(phase), 0.9);
}

/** Draws a person on a bicycle: hips on the saddle, hands on the bar, feet on the pedals that turn with `phase`. */
export function drawRider(canvas: Canvas, stance: Stance, look: PersonLook, phase: number): void {
  const pen = new Pen(canvas, stance);
  const hip: Spot = [-0.2, 0.98];
  const shoulder: Spot = [0.13, 1.42];
  const hand: Spot = [0.44, 1.04];
  const pedal = (turn: number): Spot => [0.02 + 0.17 * Math.cos(turn), 0.3 - 0.17 * Math.sin(turn)];
  for (const [turn, light] of [
    [phase + Math.PI, 0.75],
    [phase, 1],
  ] as const) {
    const foot = pedal(turn);
    const bend = knee(hip, foot, 0.45, 0.45);
    pen.limb([hip, bend, foot], 0.085 * look.build, tone(look.trousers, light), 0.05);
    pen.limb(
      [
        [foot[0] - 0.06, foot[1]],
        [foot[0] + 0.13, foot[1] - 0.01],
      ],
      0.04,
      tone(look.shoes, light),
    );
  }
  if (look.bag)
    pen.limb(
      [
        [-0.28, 1.17],
        [-0.08, 1.42],
      ],
      0.11,
      look.bag,
    );
  drawTorso(pen, look, hip, shoulder);
  drawHead(pen, look, [0.22, 1.66]);
  const elbow: Spot = [0.24, 1.12];
  pen.limb([shoulder, elbow], 0.06 * look.build, tone(look.shirt, 0.88));
  pen.limb([elbow, hand], 0.045, look.bareArms ? look.skin : tone(look.shirt, 0.88));
  pen.ellipse(hand, 0.05, 0.05, look.skin);
}

function drawTorso(pen: Pen, look: PersonLook, hip: Spot, shoulder: Spot): void {
  const h = look.height;
  pen.limb(
    [
      [hip[0], hip[1] + 0.02 * h],
      [shoulder[0], shoulder[1] - 0.04 * h],
    ],
    0.075 * h * look.build,
    look.shirt,
    0.088 * h * look.build,
  );
}

function drawHead(pen: Pen, look: PersonLook, centre: Spot): void {
  const size = 0.066 * look.height;
  const [x, y] = centre;
  pen.limb([[x - 0.2 * size, y - 1.9 * size], centre], 0.5 * size, tone(look.skin, 0.85));
  if (look.longHair)
    pen.limb(
      [
        [x - 0.4 * size, y + 0.2 * size],
        [x - 0.7 * size, y - 1.3 * size],
      ],
      0.7 * size,
      look.hair,
    );
  pen.ellipse([x - 0.12 * size, y + 0.22 * size], 1.02 * size, 1.05 * size, look.hair);
  pen.ellipse([x + 0.22 * size, y - 0.12 * size], 0.8 * size, size, look.skin);
  if (look.hat) {
    pen.ellipse([x - 0.05 * size, y + 0.6 * size], 1.1 * size, 0.65 * size, look.hat);
    pen.limb(
      [
        [x, y + 0.4 * size],
        [x + 1.5 * size, y + 0.35 * size],
      ],
      0.14 * size,
      tone(look.hat, 0.8),
    );
  }
}

function drawLeg(pen: Pen, look: PersonLook, hip: Spot, phase: number, light: number): void {
  const h = look.height;
  const swing = 0.5 * Math.sin(phase);
  const bend = Math.max(0, Math.cos(phase)) * 0.75;
  const kneeJoint = hang(hip, 0.24 * h, swing);
  const ankle = hang(kneeJoint, 0.235 * h, swing - bend);
  const cloth = tone(look.trousers, light);
  pen.limb([hip, kneeJoint], 0.055 * h * look.build, look.skirt ? tone(look.skin, light) : cloth, 0.042 * h);
  pen.limb([kneeJoint, ankle], 0.042 * h, look.skirt ? tone(look.skin, light) : cloth, 0.03 * h);
  pen.limb(
    [
      [ankle[0] - 0.01 * h, ankle[1] - 0.01 * h],
      [ankle[0] + 0.06 * h, ankle[1] - 0.012 * h + 0.03 * h * swing],
    ],
    0.022 * h,
    tone(look.shoes, light),
  );
}

function drawArm(pen: Pen, look: PersonLook, shoulder: Spot, swing: number, light: number): void {
  const h = look.height;
  const top: Spot = [shoulder[0], shoulder[1] - 0.03 * h];
  const elbow = hang(top, 0.16 * h, swing);
  const hand = hang(elbow, 0.14 * h, swing + 0.3);
  const sleeve = tone(look.shirt, light * 0.92);
  pen.limb([top, elbow], 0.036 * h * look.build, sleeve, 0.03 * h);
  pen.limb([elbow, hand], 0.027 * h, look.bareArms ? tone(look.skin, light) : sleeve);
  pen.ellipse(hand, 0.027 * h, 0.027 * h, tone(look.skin, light));
}
