import { Owners, type Traces } from './owners.js';

/** Red, green and blue, each 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** A point in pixels; y points down. */
export type Point = readonly [x: number, y: number];

/**
 * An rgb24 picture with a few anti-aliased convex shapes. It remembers who drew each pixel last, so that the ground
 * truth (box, visible part) is a by-product of the drawing and cannot disagree with it.
 */
export class Canvas {
  readonly width: number;
  readonly height: number;
  /** Row-major rgb24 pixels. */
  readonly pixels: Uint8Array;
  readonly #owners: Owners;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(width * height * 3);
    this.#owners = new Owners(width * height);
  }

  /** Starts a new picture on this background. */
  reset(background: Uint8Array): void {
    this.pixels.set(background);
    this.#owners.reset();
  }

  /** Makes a new owner of all that is drawn from now on, and returns its number. */
  claim(): number {
    return this.#owners.claim();
  }

  /** What an owner has on the canvas by now. */
  traces(owner: number): Traces {
    return this.#owners.traces(owner);
  }

  /** Fills a line with round ends whose radius goes from `radius` to `endRadius`. */
  capsule([ax, ay]: Point, [bx, by]: Point, radius: number, colour: Colour, endRadius = radius): void {
    const area = this.#cover(
      Math.min(ax - radius, bx - endRadius),
      Math.min(ay - radius, by - endRadius),
      Math.max(ax + radius, bx + endRadius),
      Math.max(ay + radius, by + endRadius),
    );
    const dx = bx - ax;
    const dy = by - ay;
    const lengthSquared = dx * dx + dy * dy || 1;
    for (let y = area.top; y < area.bottom; y++) {
      const py = y + 0.5 - ay;
      for (let x = area.left; x < area.right; x++) {
        const px = x + 0.5 - ax;
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / lengthSquared));
        const ox = px - along * dx;
        const oy = py - along * dy;
        const outside = Math.sqrt(ox * ox + oy * oy) - radius - along * (endRadius - radius);
        if (outside < 0.5) this.#blend(x, y, Math.min(1, 0.5 - outside), colour);
      }
    }
  }

  /** Fills an ellipse. */
  ellipse([cx, cy]: Point, rx: number, ry: number, colour: Colour): void {
    const area = this.#cover(cx - rx, cy - ry, cx + rx, cy + ry);
    const edge = Math.min(rx, ry);
    for (let y = area.top; y < area.bottom; y++) {
      const v = (y + 0.5 - cy) / ry;
      for (let x = area.left; x < area.right; x++) {
        const u = (x + 0.5 - cx) / rx;
        const outside = (Math.sqrt(u * u + v * v) - 1) * edge;
        if (outside < 0.5) this.#blend(x, y, Math.min(1, 0.5 - outside), colour);
      }
    }
  }

  /** Draws a circle as a line of the given half width. */
  ring([cx, cy]: Point, radius: number, halfWidth: number, colour: Colour): void {
    const reach = radius + halfWidth;
    const area = this.#cover(cx - reach, cy - reach, cx + reach, cy + reach);
    for (let y = area.top; y < area.bottom; y++) {
      const dy = y + 0.5 - cy;
      for (let x = area.left; x < area.right; x++) {
        const dx = x + 0.5 - cx;
        const outside = Math.abs(Math.sqrt(dx * dx + dy * dy) - radius) - halfWidth;
        if (outside < 0.5) this.#blend(x, y, Math.min(1, 0.5 - outside), colour);
      }
    }
  }

  /** Fills a convex polygon, its corners given in either direction of turn. */
  polygon(corners: readonly Point[], colour: Colour): void {
    const xs = corners.map(([x]) => x);
    const ys = corners.map(([, y]) => y);
    const area = this.#cover(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
    const edges = outwardEdges(corners);
    for (let y = area.top; y < area.bottom; y++) {
      for (let x = area.left; x < area.right; x++) {
        let outside = -Infinity;
        for (const edge of edges) outside = Math.max(outside, edge.nx * (x + 0.5) + edge.ny * (y + 0.5) - edge.offset);
        if (outside < 0.5) this.#blend(x, y, Math.min(1, 0.5 - outside), colour);
      }
    }
  }

  /** Darkens a soft ellipse. A shadow has no owner: it hides nothing. */
  shade([cx, cy]: Point, rx: number, ry: number, strength: number): void {
    const area = this.#clip(cx - rx, cy - ry, cx + rx, cy + ry);
    for (let y = area.top; y < area.bottom; y++) {
      const v = (y + 0.5 - cy) / ry;
      for (let x = area.left; x < area.right; x++) {
        const u = (x + 0.5 - cx) / rx;
        const inside = 1 - (u * u + v * v);
        if (inside <= 0) continue;
        const keep = 1 - strength * Math.min(1, 2 * inside);
        const at = (y * this.width + x) * 3;
        for (let channel = at; channel < at + 3; channel++) this.pixels[channel] = (this.pixels[channel] ?? 0) * keep + 0.5;
      }
    }
  }

  #clip(x1: number, y1: number, x2: number, y2: number) {
    return {
      left: Math.max(0, Math.floor(x1 - 0.5)),
      top: Math.max(0, Math.floor(y1 - 0.5)),
      right: Math.min(this.width, Math.ceil(x2 + 0.5)),
      bottom: Math.min(this.height, Math.ceil(y2 + 0.5)),
    };
  }

  #cover(x1: number, y1: number, x2: number, y2: number) {
    this.#owners.reach(x1, y1, x2, y2);
    return this.#clip(x1, y1, x2, y2);
  }

  #blend(x: number, y: number, coverage: number, colour: Colour): void {
    const pixel = y * this.width + x;
    if (coverage >= 0.5) this.#owners.mark(pixel);
    const at = pixel * 3;
    const { pixels } = this;
    const red = pixels[at] ?? 0;
    const green = pixels[at + 1] ?? 0;
    const blue = pixels[at + 2] ?? 0;
    pixels[at] = red + (colour[0] - red) * coverage + 0.5;
    pixels[at + 1] = green + (colour[1] - green) * coverage + 0.5;
    pixels[at + 2] = blue + (colour[2] - blue) * coverage + 0.5;
  }
}

/** The half-planes of a convex polygon: a point is outside an edge by `nx * x + ny * y - offset` pixels. */
function outwardEdges(corners: readonly Point[]): { nx: number; ny: number; offset: number }[] {
  let turn = 0;
  const pairs = corners.map((corner, index) => [corner, corners[(index + 1) % corners.length] ?? corner] as const);
  for (const [[ax, ay], [bx, by]] of pairs) turn += ax * by - bx * ay;
  const side = Math.sign(turn) || 1;
  return pairs.map(([[ax, ay], [bx, by]]) => {
    const length = Math.hypot(bx - ax, by - ay) || 1;
    const nx = (side * (by - ay)) / length;
    const ny = (side * (ax - bx)) / length;
    return { nx, ny, offset: nx * ax + ny * ay };
  });
}
