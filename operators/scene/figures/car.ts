import type { Canvas, Colour } from '../canvas.js';
import type { Random } from '../random.js';
import { paint } from './palette.js';
import { Pen, tone, type Spot, type Stance } from './pen.js';

/** What one car looks like; lengths in metres. */
export interface CarLook {
  readonly length: number;
  readonly height: number;
  readonly paint: Colour;
  readonly rims: Colour;
  /** Where the roof begins and ends, as parts of the length from the rear. */
  readonly roof: readonly [rear: number, front: number];
  /** Slope of the rear window and of the windscreen, as parts of the length. */
  readonly slope: readonly [rear: number, front: number];
}

const shapes = [
  { length: 4.5, height: 1.42, roof: [0.28, 0.58], slope: [0.13, 0.15] }, // saloon
  { length: 3.9, height: 1.5, roof: [0.12, 0.6], slope: [0.08, 0.14] }, // hatchback
  { length: 4.7, height: 1.48, roof: [0.08, 0.6], slope: [0.05, 0.14] }, // estate
  { length: 4.8, height: 1.95, roof: [0.03, 0.76], slope: [0.01, 0.1] }, // van
] as const;

export function carLook(random: Random): CarLook {
  const shape = random.pick(shapes);
  const size = random.between(0.94, 1.06);
  const grey = random.between(120, 215);
  return { ...shape, length: shape.length * size, height: shape.height * size, paint: paint(random), rims: [grey, grey, grey] };
}

/** Draws a car; `phase` turns its wheels, in radians. */
export function drawCar(canvas: Canvas, stance: Stance, look: CarLook, phase: number): void {
  const pen = new Pen(canvas, stance);
  const { length: l, height: h } = look;
  const rear = -l / 2;
  const at = (part: number): number => rear + part * l;
  const waist = h * 0.6;
  const sill = 0.24;
  const [roofRear, roofFront] = look.roof;
  const [slopeRear, slopeFront] = look.slope;
  pen.polygon(
    [
      [at(roofRear - slopeRear), waist - 0.02],
      [at(roofRear), h],
      [at(roofFront), h],
      [at(roofFront + slopeFront), waist - 0.02],
    ],
    tone(look.paint, 0.92),
  );
  const glass: Colour = [70, 92, 108];
  const top = h - 0.09;
  const middle = (roofRear + roofFront) / 2 + 0.03;
  const inset = 0.02;
  pen.polygon(
    [
      [at(roofRear - slopeRear * 0.8 + inset), waist + 0.02],
      [at(roofRear + inset), top],
      [at(middle - inset / 2), top],
      [at(middle - inset / 2), waist + 0.02],
    ],
    glass,
  );
  pen.polygon(
    [
      [at(middle + inset / 2), waist + 0.02],
      [at(middle + inset / 2), top],
      [at(roofFront - inset / 2), top],
      [at(roofFront + slopeFront * 0.8 - inset / 2), waist + 0.02],
    ],
    glass,
  );
  pen.polygon(
    [
      [rear, sill + 0.06],
      [rear + 0.02, waist - 0.08],
      [rear + 0.12, waist],
      [at(roofFront + slopeFront), waist],
      [at(0.97), waist - 0.16],
      [at(1), waist - 0.3],
      [at(1), sill + 0.06],
      [at(0.98), sill - 0.04],
      [rear + 0.08, sill - 0.04],
    ],
    look.paint,
  );
  pen.polygon(
    [
      [rear + 0.06, sill + 0.04],
      [at(0.99), sill + 0.04],
      [at(0.98), sill - 0.05],
      [rear + 0.08, sill - 0.05],
    ],
    tone(look.paint, 0.55),
  );
  pen.limb(
    [
      [at(middle), waist - 0.04],
      [at(middle), sill + 0.08],
    ],
    0.008,
    tone(look.paint, 0.7),
  );
  pen.limb(
    [
      [at(middle - 0.09), waist - 0.1],
      [at(middle - 0.05), waist - 0.1],
    ],
    0.018,
    tone(look.paint, 0.6),
  );
  pen.ellipse([at(0.965), waist - 0.27], 0.09, 0.07, [250, 244, 214]);
  pen.ellipse([rear + 0.07, waist - 0.18], 0.06, 0.1, [190, 24, 24]);
  for (const wheel of [at(0.2), at(0.8)]) drawWheel(pen, [wheel, 0.32], look.rims, phase);
}

function drawWheel(pen: Pen, centre: Spot, rims: Colour, phase: number): void {
  pen.ellipse(centre, 0.38, 0.36, [18, 18, 20]);
  pen.ellipse(centre, 0.2, 0.2, rims);
  for (let spoke = 0; spoke < 5; spoke++) {
    const turn = (spoke * 2 * Math.PI) / 5 - phase;
    pen.limb([centre, [centre[0] + 0.18 * Math.cos(turn), centre[1] + 0.18 * Math.sin(turn)]], 0.018, tone(rims, 0.45));
  }
}
