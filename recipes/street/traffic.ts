import type { Canvas } from './canvas.js';
import { bicycleLook, drawBicycle } from './figures/bicycle.js';
import { carLook, drawCar } from './figures/car.js';
import { dogLook, dogNeck, drawDog } from './figures/dog.js';
import { Pen, type Stance } from './figures/pen.js';
import { drawRider, drawWalker, personLook } from './figures/person.js';
import { hash, Random } from './random.js';
import type { View } from './view.js';

/** The classes that the scene knows, in the order of the model's output. */
export const streetLabels = ['person', 'car', 'dog', 'bicycle'] as const;

/** Name of a class of the scene. */
export type StreetLabel = (typeof streetLabels)[number];

/** Something to draw; what has a higher `y` is nearer and is drawn later. */
export interface Drawable {
  readonly y: number;
  readonly draw: (canvas: Canvas) => void;
}

/** One thing that moves, at one moment. */
export interface Actor extends Drawable {
  readonly label: StreetLabel;
  readonly track: number;
  /** Draws what belongs to nobody, such as the shadow; drawn first. */
  readonly drawGround: (canvas: Canvas) => void;
  /** Something thin that goes with it but does not belong to its box, such as a lead. */
  readonly extra?: Drawable;
}

interface Lane {
  readonly cast: 'walkers' | 'dogs' | 'cars' | 'bicycles';
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
    { cast: 'bicycles', from: across(0.1), to: across(0.16), facing: -1, slowest: 3.4, fastest: 3.4, everySeconds: 7, gapSeconds: 1 },
    { cast: 'cars', from: across(0.34), to: across(0.38), facing: -1, slowest: 5.5, fastest: 5.5, everySeconds: 5, gapSeconds: 1.4 },
    { cast: 'cars', from: across(0.75), to: across(0.8), facing: 1, slowest: 5.5, fastest: 5.5, everySeconds: 5.5, gapSeconds: 1.4 },
    { cast: 'bicycles', from: across(0.92), to: across(0.98), facing: 1, slowest: 3.4, fastest: 3.4, everySeconds: 7, gapSeconds: 1 },
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
  readonly #density: number;

  constructor(seed: number, view: View, density: number) {
    this.#seed = seed;
    this.#view = view;
    this.#lanes = lanesOf(view);
    this.#density = density;
  }

  /** Everybody who may be in the picture, farthest first. */
  at(seconds: number): Actor[] {
    const actors: Actor[] = [];
    this.#lanes.forEach((lane, index) => {
      const every = Math.max(lane.gapSeconds, lane.everySeconds / this.#density);
      const now = seconds + warmUpSeconds;
      const crossing = this.#crossing(lane, lane.from) / lane.slowest;
      for (let slot = Math.floor((now - crossing) / every) - 1; slot <= now / every; slot++) {
        const random = new Random(hash(this.#seed, 2, index, slot));
        const entered = slot * every + random.next() * (every - lane.gapSeconds);
        if (now > entered) actors.push(...this.#group(lane, index, slot, random, now - entered));
      }
    });
    return actors.sort((a, b) => a.y - b.y);
  }

  #crossing(lane: Lane, y: number): number {
    return this.#view.width / this.#view.scaleAt(y) + 2 * margin;
  }

  /** The members of one group, `age` seconds after it entered. */
  #group(lane: Lane, laneIndex: number, slot: number, random: Random, age: number): Actor[] {
    const y = random.between(lane.from, lane.to);
    const facing = lane.facing === 0 ? (random.chance(0.5) ? 1 : -1) : lane.facing;
    const speed = random.between(lane.slowest, lane.fastest);
    const walked = age * speed;
    if (walked > this.#crossing(lane, y)) return [];
    const { width, unit, scaleAt } = this.#view;
    const stance = (ahead: number, nearer: number): Stance => {
      const ground = y + nearer;
      const metres = (walked - margin + ahead) * scaleAt(y);
      return { x: (facing === 1 ? metres : width - metres) * unit, y: ground * unit, scale: scaleAt(ground) * unit, facing };
    };
    const actor = (label: StreetLabel, member: number, at: Stance, shadow: number, draw: (canvas: Canvas) => void): Actor => ({
      label,
      track: (slot * this.#lanes.length + laneIndex) * 4 + member,
      y: at.y + member * 1e-3,
      drawGround: (canvas) => {
        if (shadow > 0) new Pen(canvas, at).shadow(shadow);
      },
      draw,
    });
    const walker = (member: number, at: Stance): Actor => {
      const look = personLook(random);
      const phase = random.between(0, 6.3) + (walked / look.height) * 4.6;
      return actor('person', member, at, 0.7, (canvas) => drawWalker(canvas, at, look, phase));
    };
    switch (lane.cast) {
      case 'walkers': {
        const first = walker(0, stance(0, 0));
        return random.chance(0.25) ? [first, walker(1, stance(random.between(-0.75, -0.45), random.between(-3, 4)))] : [first];
      }
      case 'dogs': {
        const look = dogLook(random);
        const at = stance(1, random.between(1, 4));
        const owner = stance(-0.4, 0);
        const phase = random.between(0, 6.3) + (walked / look.shoulder) * 2.4;
        const [forward, up] = dogNeck(look);
        const dog = actor('dog', 0, at, 0.9 * look.stretch, (canvas) => drawDog(canvas, at, look, phase));
        if (random.chance(0.4)) return [dog];
        const person = walker(1, owner);
        const collar = [at.x + facing * forward * at.scale, at.y - up * at.scale] as const;
        const hand = [owner.x + facing * 0.2 * owner.scale, owner.y - 0.85 * owner.scale] as const;
        const extra = { y: person.y - 1e-3, draw: (canvas: Canvas) => canvas.capsule(collar, hand, 0.5 * unit, [40, 36, 36]) };
        return [dog, { ...person, extra }];
      }
      case 'cars': {
        const look = carLook(random);
        const at = stance(0, 0);
        return [actor('car', 0, at, look.length * 1.02, (canvas) => drawCar(canvas, at, look, walked / 0.36))];
      }
      case 'bicycles': {
        const at = stance(0, 0);
        const bicycle = bicycleLook(random);
        const rider = { ...personLook(random), height: random.between(1.6, 1.8), skirt: false };
        const phase = random.between(0, 6.3) + walked * 1.3;
        return [
          actor('bicycle', 0, at, 1.7, (canvas) => drawBicycle(canvas, at, bicycle, phase)),
          actor('person', 1, at, 0, (canvas) => drawRider(canvas, at, rider, phase)),
        ];
      }
    }
  }
}
