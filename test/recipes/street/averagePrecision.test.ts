import type { SceneObject } from 'edgeflow/operators';
import { expect, it } from 'vitest';
import { averagePrecision } from '#recipes/street/averagePrecision.js';

const person = (left: number, ignore = false): SceneObject => ({
  label: 'person',
  classId: 0,
  score: 1,
  box: [left, 0, left + 10, 20],
  track: left,
  visible: 1,
  ignore,
});
const find = (left: number, score: number, label = 'person') => ({ label, score, box: [left, 0, left + 10, 20] as const });

it('is 1 when all is found and nothing else', () => {
  const frames = [{ truth: [person(0), person(50)], found: [find(1, 0.9), find(50, 0.8)] }];
  expect(averagePrecision(frames, 'person')).toBe(1);
});

it('is the area under the curve: a false find costs only those that score below it', () => {
  const frames = [{ truth: [person(0), person(50)], found: [find(0, 0.9), find(100, 0.8), find(50, 0.7)] }];
  expect(averagePrecision(frames, 'person')).toBeCloseTo(0.5 + 0.5 * (2 / 3));
});

it('counts a second find of the same thing, another class and a miss as errors', () => {
  const twice = [{ truth: [person(0)], found: [find(0, 0.9), find(1, 0.95)] }];
  expect(averagePrecision(twice, 'person')).toBe(1);
  expect(averagePrecision([{ truth: [person(0)], found: [find(0, 0.9, 'dog')] }], 'person')).toBe(0);
  expect(averagePrecision([...twice, { truth: [person(0)], found: [] }], 'person')).toBe(0.5);
});

it('neither rewards nor punishes the find of an ignored object, and prefers one that counts', () => {
  const frames = [{ truth: [person(0, true), person(2)], found: [find(0, 0.9), find(1, 0.8)] }];
  expect(averagePrecision(frames, 'person')).toBe(1);
  expect(averagePrecision([{ truth: [person(0, true)], found: [find(0, 0.9)] }], 'person')).toBeNaN();
});
