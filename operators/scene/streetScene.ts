import type { Box, Detection } from '../detections.js';
import type { Frame } from '../frame.js';
import { paintBackground } from './background.js';
import { Canvas } from './canvas.js';
import { sceneLabels } from './casts.js';
import type { Drawable, SceneLabel } from './casts.js';
import { Film } from './film.js';
import type { SceneView } from './options.js';
import { placeProps } from './props.js';
import { hash } from './random.js';
import { Traffic } from './traffic.js';
import type { Actor } from './traffic.js';
import { viewOf } from './view.js';

/** One thing that is really in the picture. Its box is all of it, hidden parts too, cut off at the edges of the picture. */
export interface SceneObject extends Detection {
  readonly label: SceneLabel;
  /** The same number for the same thing in every frame. */
  readonly track: number;
  /** Part of the thing that can be seen, 0 to 1; what is outside the picture or behind others cannot. */
  readonly visible: number;
  /** Whether it is so hidden or so small that finding it, or not, counts neither way. */
  readonly ignore: boolean;
}

/** A frame and what is in it. */
export interface SceneMoment {
  /** Its time is `index / fps` seconds after the epoch. */
  readonly frame: Frame;
  readonly objects: readonly SceneObject[];
}

/** The least visible part, and the least side as a part of the picture's height, of an object that counts. */
const leastVisible = 0.4;
const leastSide = 8 / 360;

/**
 * A street that is drawn instead of filmed. Any frame can be asked for, in any order; it follows from the seed and its
 * number alone.
 */
export class StreetScene {
  readonly #view: Required<SceneView>;
  readonly #background: Uint8Array;
  readonly #canvas: Canvas;
  readonly #film: Film;
  readonly #traffic: Traffic;
  readonly #props: readonly Drawable[];

  constructor(checked: Required<SceneView>) {
    const { seed, width, height, traffic } = checked;
    this.#view = checked;
    const view = viewOf(hash(seed, 0), width, height);
    this.#background = paintBackground(seed, view, width, height);
    this.#canvas = new Canvas(width, height);
    this.#film = new Film(seed, width, height);
    this.#traffic = new Traffic(seed, view, (cast) => (typeof traffic === 'number' ? traffic : (traffic[cast] ?? 0)));
    this.#props = placeProps(seed, view);
  }

  /** Draws one frame. `index` counts from 0. */
  frameAt(index: number): SceneMoment {
    const { seed, width, height, fps } = this.#view;
    const seconds = index / fps;
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
        width,
        height,
        format: 'rgb24',
        time: seconds * 1000,
        index,
        source: `street-${seed}`,
      },
      objects,
    };
  }

  #truth({ label, track }: Actor, owner: number): SceneObject[] {
    const { width, height } = this.#view;
    const { bounds, drawn, visible } = this.#canvas.traces(owner);
    if (bounds === undefined || drawn === 0) return [];
    const [x1, y1, x2, y2] = bounds;
    const box: Box = [Math.max(0, x1), Math.max(0, y1), Math.min(width, x2), Math.min(height, y2)];
    const inside = ((box[2] - box[0]) * (box[3] - box[1])) / ((x2 - x1) * (y2 - y1));
    const seen = (inside * visible) / drawn;
    const small = Math.min(box[2] - box[0], box[3] - box[1]) < leastSide * height;
    return [{ label, classId: sceneLabels.indexOf(label), score: 1, box, track, visible: seen, ignore: small || seen < leastVisible }];
  }
}
