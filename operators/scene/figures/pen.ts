import type { Canvas, Colour, Point } from '../canvas.js';

/** A point of a figure in metres: forward of its foot point, and up from the ground. */
export type Spot = readonly [forward: number, up: number];

/** Where a figure stands and how large a metre is there. */
export interface Stance {
  /** Foot point in pixels. */
  readonly x: number;
  readonly y: number;
  /** Pixels a metre. */
  readonly scale: number;
  /** 1 looks to the right, -1 to the left. */
  readonly facing: 1 | -1;
}

/** The thinnest half line that still reads as a line, in pixels. */
const thinnest = 0.55;

/** Draws in the metres of one figure, whichever way it looks. */
export class Pen {
  readonly #canvas: Canvas;
  readonly #stance: Stance;

  constructor(canvas: Canvas, stance: Stance) {
    this.#canvas = canvas;
    this.#stance = stance;
  }

  /** A soft shadow on the ground, `length` metres long. */
  shadow(length: number): void {
    const { x, y, scale } = this.#stance;
    this.#canvas.shade([x, y], (length / 2) * scale, 0.11 * scale + 0.04 * length * scale, 0.45);
  }

  /** A chain of round-ended lines. */
  limb(spots: readonly Spot[], radius: number, colour: Colour, endRadius = radius): void {
    const start = this.#radius(radius);
    const end = this.#radius(endRadius);
    const joints = spots.length - 1;
    spots.slice(1).forEach((spot, index) => {
      const from = start + ((end - start) * index) / joints;
      const to = start + ((end - start) * (index + 1)) / joints;
      this.#canvas.capsule(this.#point(spots[index] ?? spot), this.#point(spot), from, colour, to);
    });
  }

  ellipse(centre: Spot, forwardRadius: number, upRadius: number, colour: Colour): void {
    this.#canvas.ellipse(this.#point(centre), this.#radius(forwardRadius), this.#radius(upRadius), colour);
  }

  ring(centre: Spot, radius: number, halfWidth: number, colour: Colour): void {
    this.#canvas.ring(this.#point(centre), this.#radius(radius), this.#radius(halfWidth), colour);
  }

  polygon(corners: readonly Spot[], colour: Colour): void {
    this.#canvas.polygon(
      corners.map((corner) => this.#point(corner)),
      colour,
    );
  }

  #point([forward, up]: Spot): Point {
    const { x, y, scale, facing } = this.#stance;
    return [x + facing * forward * scale, y - up * scale];
  }

  #radius(metres: number): number {
    return Math.max(thinnest, metres * this.#stance.scale);
  }
}

/** The point `length` metres from a joint, swung by `angle` radians forward of straight down. */
export function hang([forward, up]: Spot, length: number, angle: number): Spot {
  return [forward + length * Math.sin(angle), up - length * Math.cos(angle)];
}

/** The knee of a two-part limb from `hip` to `foot`, bent forward. */
export function knee(hip: Spot, foot: Spot, thigh: number, shin: number): Spot {
  const dx = foot[0] - hip[0];
  const dy = foot[1] - hip[1];
  const reach = Math.min(Math.hypot(dx, dy) || 1e-6, (thigh + shin) * 0.999);
  const along = (thigh * thigh - shin * shin + reach * reach) / (2 * reach);
  const aside = Math.sqrt(Math.max(0, thigh * thigh - along * along));
  const ux = dx / (Math.hypot(dx, dy) || 1);
  const uy = dy / (Math.hypot(dx, dy) || 1);
  return [hip[0] + along * ux - aside * uy, hip[1] + along * uy + aside * ux];
}

/** A colour made darker (below 1) or lighter (above 1). */
export function tone([red, green, blue]: Colour, factor: number): Colour {
  return [Math.min(255, red * factor), Math.min(255, green * factor), Math.min(255, blue * factor)];
}
