import { EdgeFlowError } from 'edgeflow';
import type { Box, Frame } from 'edgeflow/operators';
import { paintBackground } from './background.js';
import { Canvas } from './canvas.js';
import type { Drawable, StreetLabel } from './casts.js';
import { Film } from './film.js';
import { placeProps } from './props.js';
import { hash } from './random.js';
import { Traffic, type Actor } from './traffic.js';
import { viewOf } from './view.js';

/** Options of a {@link StreetScene}. */
export interface StreetSceneOptions {
  /** Which street: the same seed gives the same bytes in every process. */
  readonly seed: number;
  /** @defaultValue 640 pixels */
  readonly width?: number;
  /** @defaultValue 360 pixels */
  readonly height?: number;
  /** Frames a second of scene time. @defaultValue 15 */
  readonly fps?: number;
  /** How busy the street is, as a multiple of the usual; 0 is an empty street. @defaultValue 1 */
  readonly traffic?: number;
}

/** One thing that is really in the picture. */
export interface TruthObject {
  readonly label: StreetLabel;
  /** `[x1, y1, x2, y2]` in pixels: all of the thing, hidden parts too, cut off at the edges of the picture. */
  readonly box: Box;
  /** The same number for the same thing in every frame. */
  readonly track: number;
  /** Part of the thing that can be seen, 0 to 1; what is outside the picture or behind others cannot. */
  readonly visible: number;
  /** Whether it is so hidden or so small that finding it, or not, counts neither way. */
  readonly ignore: boolean;
}

/** A frame and what is in it. */
export interface StreetMoment {
  readonly frame: Frame;
  readonly objects: readonly TruthObject[];
}

/** The least visible part, and the least side as a part of the picture's height, of an object that counts. */
const leastVisible = 0.4;
const leastSide = 8 / 360;

const leastPixels = 32;
const mostPixels = 4096;
const isSide = (side: number): boolean => Number.isInteger(side) && side >= leastPixels && side <= mostPixels;

function check(name: string, found: number, fine: boolean, expected: string): void {
  if (!fine) throw new EdgeFlowError('OPTIONS_INVALID', `street scene: ${name} is ${found}; expected ${expected}`);
}

/**
 * A street that is drawn instead of filmed: people, dogs, cars and bicycles come, cross the picture and go, and the
 * scene says exactly where each one is. Any frame can be asked for, in any order; a frame takes a few milliseconds.
 *
 * @example
 * ```ts
 * const { frame, objects } = new StreetScene({ seed: 7 }).frameAt(100);
 * ```
 */
export class StreetScene {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly #seed: number;
  readonly #background: Uint8Array;
  readonly #canvas: Canvas;
  readonly #film: Film;
  readonly #traffic: Traffic;
  readonly #props: readonly Drawable[];

  /** @throws EdgeFlowError `OPTIONS_INVALID` for sizes, a frame rate or a traffic that no scene can have. */
  constructor({ seed, width = 640, height = 360, fps = 15, traffic = 1 }: StreetSceneOptions) {
    check('seed', seed, Number.isSafeInteger(seed), 'a whole number');
    check('width', width, isSide(width), `a whole number from ${leastPixels} to ${mostPixels}`);
    check('height', height, isSide(height), `a whole number from ${leastPixels} to ${mostPixels}`);
    check('fps', fps, fps > 0 && fps <= 1000, 'more than 0 and at most 1000');
    check('traffic', traffic, traffic >= 0 && traffic <= 20, 'from 0 to 20');
    this.width = width;
    this.height = height;
    this.fps = fps;
    this.#seed = seed;
    const view = viewOf(hash(seed, 0), width, height);
    this.#background = paintBackground(seed, view, width, height);
    this.#canvas = new Canvas(width, height);
    this.#film = new Film(seed, width, height);
    this.#traffic = new Traffic(seed, view, traffic);
    this.#props = placeProps(seed, view);
  }

  /** Draws one frame. `index` counts from 0; the frame's time is `index / fps` seconds after the epoch. */
  frameAt(index: number): StreetMoment {
    const seconds = index / this.fps;
    const canvas = this.#canvas;
    canvas.reset(this.#background);
    const actors = this.#traffic.at(seconds);
    for (const actor of actors) actor.drawGround(canvas);
    const extras = actors.flatMap(({ extra }) => (extra ? [extra] : []));
    const owners = new Map<Drawable, number>();
    for (const drawable of [...actors, ...extras, ...this.#props].sort((a, b) => a.y - b.y)) {
      owners.set(drawable, canvas.claim());
      drawable.draw(canvas);
    }
    // Only now is known what was drawn over.
    const objects = actors.flatMap((actor) => this.#truth(actor, owners.get(actor) ?? 0));
    return {
      frame: {
        data: this.#film.develop(canvas.pixels, index, seconds),
        width: this.width,
        height: this.height,
        format: 'rgb24',
        time: seconds * 1000,
        index,
        source: `street-${this.#seed}`,
      },
      objects,
    };
  }

  #truth({ label, track }: Actor, owner: number): TruthObject[] {
    const { bounds, drawn, visible } = this.#canvas.traces(owner);
    if (bounds === undefined || drawn === 0) return [];
    const [x1, y1, x2, y2] = bounds;
    const box: Box = [Math.max(0, x1), Math.max(0, y1), Math.min(this.width, x2), Math.min(this.height, y2)];
    const inside = ((box[2] - box[0]) * (box[3] - box[1])) / ((x2 - x1) * (y2 - y1));
    const seen = (inside * visible) / drawn;
    const small = Math.min(box[2] - box[0], box[3] - box[1]) < leastSide * this.height;
    return [{ label, box, track, visible: seen, ignore: small || seen < leastVisible }];
  }
}
