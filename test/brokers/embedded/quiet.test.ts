import { expect, test } from 'vitest';
import { Quiet } from '#src/brokers/embedded/quiet.js';

const known = { commit: 7, heard: 3 };

test('quiet lasts while nobody commits, no bell rings and nothing becomes due', () => {
  const quiet = new Quiet();
  quiet.note('a', known, 1_000, 1_400);
  expect(quiet.until('a', known, 1_399)).toBe(1_400);
  expect(quiet.until('a', known, 1_400)).toBeUndefined();
  expect(quiet.until('a', { ...known, commit: 8 }, 1_000)).toBeUndefined();
  expect(quiet.until('a', { ...known, heard: 4 }, 1_000)).toBeUndefined();
  expect(quiet.until('b', known, 1_000)).toBeUndefined();
});

test('quiet ends after a second, whatever is known', () => {
  const quiet = new Quiet();
  quiet.note('a', known, 1_000, Infinity);
  expect(quiet.until('a', known, 1_999)).toBe(2_000);
  expect(quiet.until('a', known, 2_000)).toBeUndefined();
});
