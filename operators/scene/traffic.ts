import type { Canvas } from './canvas.js';
import { casts, type Cast, type Drawable, type Member } from './casts.js';
import { Pen } from './figures/pen.js';
import { hash, Random } from './random.js';
import type { View } from './view.js';

/** One thing that moves, at one moment. */
export interface Actor extends Drawable, Pick<Member, 'label' | 'extra'> {
  /** The same number for the same thing at every moment. */
  readonly track: number;
  /** Draws what belongs to nobody, such as the shadow; drawn first. */
  readonly drawGround: (canvas: Canvas) => void;
}

interface Lane {
  readonly cast: Cast;
  /** Ground heights that the lane covers. */
  readonly from: number;
  readonly to: number;
  /** Which way its traffic goes; 0 for both. */
  readonly facing: 1 | -1 | 0;
  /** Metres a second. */
  readonly slowest: number;
  readonly fastest: number;
  /** Mean and least time between two that enter, in seconds. */
  readonly everySeconds: number;
  readonly gapSeconds: number;
}

/** Half the length of the longest group, in metres: where actors enter and leave, out of sight. */
const margin = 3.2;

/** Members of the largest group, at most. */
const mostMembers = 4;

/** The scene has been running for this long at frame 0, so that the street is not empty. */
const warmUpSeconds = 100;

function lanesOf(view: View): Lane[] {
  const { farPavement, road, nearPavement } = view;
  const across = (part: number): number => road + part * (nearPavement - road);
  const far = { from: farPavement + 7, to: road - 4, facing: 0 } as const;
  const near = { from: nearPavement + 14, to: 350, facing: 0 } as const;
  const walking = { slowest: 0.9, fastest: 1.7, gapSeconds: 0 } as const;
  return [
    { ...far, ...walking, cast: 'walkers', everySeconds: 8 },
    { ...far, ...walking, cast: 'dogs', everySeconds: 14 },
    { cast: 'cyclists', from: across(0.1), to: across(0.16), facing: -1, slowest: 3.4, fastest: 3.4, everySeconds: 7, gapSeconds: 1 },
    { cast: 'cars', from: across(0.34), to: across(0.38), facing: -1, slowest: 5.5, fastest: 5.5, everySeconds: 5, gapSeconds: 1.4 },
    { cast: 'cars', from: across(0.75), to: across(0.8), facing: 1, slowest: 5.5, fastest: 5.5, everySeconds: 5.5, gapSeconds: 1.4 },
    { cast: 'cyclists', from: across(0.92), to: across(0.98), facing: 1, slowest: 3.4, fastest: 3.4, everySeconds: 7, gapSeconds: 1 },
    { ...near, ...walking, cast: 'walkers', everySeconds: 5 },
    { ...near, ...walking, cast: 'dogs', everySeconds: 7 },
  ];
}

/**
 * Who is in the street, as a pure function of time: each lane has a numbered series of groups, and everything about a
 * group follows from the seed, its lane and its number. So any frame can be drawn without those before it.
 */
export class Traffic {
  readonly #seed: number;
  readonly #view: View;
  readonly #lanes: readonly Lane[];
  readonly #densityOf: (cast: Cast) => number;

  constructor(seed: number, view: View, densityOf: (cast: Cast) => number) {
    this.#seed = seed;
    this.#view = view;
    this.#lanes = lanesOf(view);
    this.#densityOf = densityOf;
  }

  /** Everybody who may be in the picture, farthest first. */
  at(seconds: number): Actor[] {
    const actors: Actor[] = [];
    this.#lanes.forEach((lane, index) => {
      const every = Math.max(lane.gapSeconds, lane.everySeconds / this.#densityOf(lane.cast));
      const now = seconds + warmUpSeconds;
      const crossing = this.#crossing(lane.from) / lane.slowest;
      for (let slot = Math.floor((now - crossing) / every) - 1; slot <= now / every; slot++) {
        const random = new Random(hash(this.#seed, 2, index, slot));
        const entered = slot * every + random.next() * (every - lane.gapSeconds);
        if (now > entered) actors.push(...this.#group(lane, index, slot, random, now - entered));
      }
    });
    return actors.sort((a, b) => a.y - b.y);
  }

  /** How many metres it takes to come, cross the picture at ground height `y`, and go. */
  #crossing(y: number): number {
    return this.#view.width / this.#view.scaleAt(y) + 2 * margin;
  }

  /** The members of one group, `age` seconds after it entered. */
  #group(lane: Lane, laneIndex: number, slot: number, random: Random, age: number): Actor[] {
    const y = random.between(lane.from, lane.to);
    const facing = lane.facing === 0 ? (random.chance(0.5) ? 1 : -1) : lane.facing;
    const walked = age * random.between(lane.slowest, lane.fastest);
    if (walked > this.#crossing(y)) return [];
    const { width, unit, scaleAt } = this.#view;
    const members: Member[] = casts[lane.cast]({
      random,
      walked,
      stanceOf: (ahead, nearer) => {
        const gone = (walked - margin + ahead) * scaleAt(y);
        return { x: (facing === 1 ? gone : width - gone) * unit, y: (y + nearer) * unit, scale: scaleAt(y + nearer) * unit, facing };
      },
    });
    return members.map(({ stance, shadow, ...member }, index) => ({
      ...member,
      track: (slot * this.#lanes.length + laneIndex) * mostMembers + index,
      // Of two at one place, such as a bicycle and its rider, the later one is in front.
      y: stance.y + index * 1e-3,
      drawGround: (canvas) => {
        if (shadow > 0) new Pen(canvas, stance).shadow(shadow);
      },
    }));
  }
}
