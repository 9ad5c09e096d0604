import type { Canvas } from './canvas.js';
import { bicycleLook, drawBicycle } from './figures/bicycle.js';
import { carLook, drawCar } from './figures/car.js';
import { dogLook, dogNeck, drawDog } from './figures/dog.js';
import { tone, type Stance } from './figures/pen.js';
import { drawRider, drawWalker } from './figures/person.js';
import { personLook } from './figures/personLook.js';
import type { Random } from './random.js';

/** The classes of what moves in the scene. */
export const sceneLabels = ['person', 'car', 'dog', 'bicycle'] as const;

/** Name of a class of the scene. */
export type SceneLabel = (typeof sceneLabels)[number];

/** Something to draw; what has a higher `y` is nearer and is drawn later. */
export interface Drawable {
  readonly y: number;
  readonly draw: (canvas: Canvas) => void;
}

/** One thing of a group, at one moment. */
export interface Member {
  readonly label: SceneLabel;
  readonly stance: Stance;
  /** Length of its shadow in metres. */
  readonly shadow: number;
  readonly draw: (canvas: Canvas) => void;
  /** Something thin that goes with it but does not belong to its box, such as a lead. */
  readonly extra?: Drawable;
}

/** A group on its way: its own random numbers, how many metres it has gone, and where its members stand. */
export interface Course {
  readonly random: Random;
  readonly walked: number;
  /** The stance of a member so many metres ahead of the group and so many units nearer to the camera. */
  readonly stanceOf: (ahead: number, nearer: number) => Stance;
}

/** Who may go together. All that a group looks like follows from its course. */
export const casts = { walkers, dogs, cars, cyclists } as const satisfies Record<string, (course: Course) => Member[]>;

/** Name of a kind of group. */
export type Cast = keyof typeof casts;

function walker({ random, walked }: Course, stance: Stance): Member {
  const look = personLook(random);
  const phase = random.between(0, 6.3) + (walked / look.height) * 4.6;
  return { label: 'person', stance, shadow: 0.7, draw: (canvas) => drawWalker(canvas, stance, look, phase) };
}

function walkers(course: Course): Member[] {
  const { random, stanceOf } = course;
  const first = walker(course, stanceOf(0, 0));
  return random.chance(0.25) ? [first, walker(course, stanceOf(random.between(-0.75, -0.45), random.between(-3, 4)))] : [first];
}

function dogs(course: Course): Member[] {
  const { random, walked, stanceOf } = course;
  const look = dogLook(random);
  const stance = stanceOf(1, random.between(1, 4));
  const phase = random.between(0, 6.3) + (walked / look.shoulder) * 2.4;
  const dog: Member = { label: 'dog', stance, shadow: 0.9 * look.stretch, draw: (canvas) => drawDog(canvas, stance, look, phase) };
  if (random.chance(0.4)) return [dog];
  const owner = walker(course, stanceOf(-0.4, 0));
  return [dog, { ...owner, extra: lead(stance, dogNeck(look), owner.stance) }];
}

function lead(dog: Stance, [forward, up]: readonly [number, number], owner: Stance): Drawable {
  const collar = [dog.x + dog.facing * forward * dog.scale, dog.y - up * dog.scale] as const;
  const hand = [owner.x + owner.facing * 0.2 * owner.scale, owner.y - 0.85 * owner.scale] as const;
  return { y: owner.y, draw: (canvas) => canvas.capsule(collar, hand, 0.012 * owner.scale, tone([50, 45, 45], 0.8)) };
}

function cars({ random, walked, stanceOf }: Course): Member[] {
  const look = carLook(random);
  const stance = stanceOf(0, 0);
  return [{ label: 'car', stance, shadow: look.length * 1.02, draw: (canvas) => drawCar(canvas, stance, look, walked / 0.36) }];
}

function cyclists({ random, walked, stanceOf }: Course): Member[] {
  const stance = stanceOf(0, 0);
  const bicycle = bicycleLook(random);
  const rider = { ...personLook(random), height: random.between(1.6, 1.8), skirt: false };
  const phase = random.between(0, 6.3) + walked * 1.3;
  return [
    { label: 'bicycle', stance, shadow: 1.7, draw: (canvas) => drawBicycle(canvas, stance, bicycle, phase) },
    { label: 'person', stance, shadow: 0, draw: (canvas) => drawRider(canvas, stance, rider, phase) },
  ];
}
