import { describe, expect, test } from 'vitest';
import { firstDisorder, missing } from './checks.js';
import type { Recorded } from './recordFile.js';
import { ruleOfThree } from './report.js';
import { grows, trendsOf } from './trends.js';

const recorded = (pid: number, ...numbers: number[]): Recorded[] => numbers.map((number) => ({ pid, number, whole: true }));

test('numbers that never arrived are missing, however often others did', () => {
  expect(missing(recorded(1, 1, 2, 2, 5), 6)).toEqual([3, 4, 6]);
});

describe('the order of a record', () => {
  test('goes up over processes, and a process that outlives its supervisor may write what it was given', () => {
    expect(firstDisorder([...recorded(1, 3, 7), ...recorded(2, 9), ...recorded(1, 8), ...recorded(2, 12)])).toBeUndefined();
  });

  test.each([
    ['a value twice', recorded(1, 3, 3)],
    ['an older value', recorded(1, 3, 7, 5)],
    ['a process that begins with an older value', [...recorded(1, 3, 7), ...recorded(2, 6)]],
    ['a value of another process again', [...recorded(1, 3, 8), ...recorded(2, 9), ...recorded(1, 9)]],
  ])('is broken by %s', (_, records) => {
    expect(firstDisorder(records)).toMatch(/^\d+ after \d+ in process \d+$/);
  });
});

describe('a trend', () => {
  const megabyte = 1024 * 1024;
  const trends = (value: (second: number) => number): boolean[] => {
    const samples = Array.from({ length: 180 }, (_, at) => ({ at, age: at, pid: 1, rss: 0, own: value(at), files: 20 }));
    return trendsOf({ processes: new Map([['sink-0', samples]]), files: new Map() }, [], 0)
      .filter(({ measure }) => measure === 'memory')
      .map(grows);
  };

  test('of memory that goes up and down is level, after warm-up', () => {
    expect(trends((at) => (at < 60 ? at * 10 : 600 + 20 * (at % 2)) * megabyte)).toEqual([false]);
  });

  test('of a leak is not', () => {
    expect(trends((at) => (50 + at / 5 + 20 * (at % 2)) * megabyte)).toEqual([true]);
  });

  test('is not told of a short life', () => {
    const samples = Array.from({ length: 180 }, (_, at) => ({ at, age: at % 90, pid: at < 90 ? 1 : 2, rss: 0, own: at, files: 20 }));
    expect(trendsOf({ processes: new Map([['sink-0', samples]]), files: new Map() }, [], 0)).toEqual([]);
  });
});

test('the rule of three', () => {
  expect([ruleOfThree(300), ruleOfThree(1)]).toEqual([0.01, 1]);
});
