import { EdgeFlowError } from 'edgeflow';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scheduleArbitrary } from '#src/check/arbitrary.js';
import { formatSchedule, parseSchedule } from '#src/check/schedule.js';

const targets = {
  nodes: [
    { name: 'yolo', replicas: 2 },
    { name: 'door.cam_1-a', replicas: 1 },
  ],
  restartable: true,
};

test('what is formatted is read back: a schedule in the order of its times', () => {
  fc.assert(
    fc.property(scheduleArbitrary(fc, targets, { maxFaults: 4, withinMs: 5_000 }), (schedule) => {
      const text = formatSchedule(schedule);
      const read = parseSchedule(text, targets);
      expect(read).toEqual([...schedule].sort((a, b) => a.atMs - b.atMs));
      expect(formatSchedule(read)).toBe(text);
    }),
  );
});

test('random schedules stay within their bounds, and use all kinds and targets', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(scheduleArbitrary(fc, targets, { maxFaults: 3, withinMs: 2_000 }), (schedule) => {
      expect(schedule.length).toBeGreaterThan(0);
      expect(schedule.length).toBeLessThanOrEqual(3);
      for (const fault of schedule) {
        expect(fault.atMs).toBeLessThanOrEqual(2_000);
        seen.add(fault.kind === 'restart' ? 'restart' : `${fault.kind} ${fault.target.node}#${fault.target.replica}`);
      }
    }),
    { numRuns: 500 },
  );
  expect(seen.size).toBe(1 + 3 * 3);
});

test('a failing schedule shrinks to one fault, in few tries', () => {
  let tries = 0;
  const { counterexample } = fc.check(
    fc.property(scheduleArbitrary(fc, targets, { maxFaults: 3, withinMs: 5_000 }), (schedule) => {
      tries++;
      return !schedule.some((fault) => fault.kind === 'kill' && fault.target.node === 'yolo' && fault.atMs >= 700);
    }),
    { seed: 7 },
  );
  expect(counterexample?.[0]).toEqual([expect.objectContaining({ kind: 'kill', atMs: 700 })]);
  expect(tries).toBeLessThan(60);
});

test.each(['none', '', ' none '])('%j is a schedule without faults', (text) => {
  expect(parseSchedule(text, targets)).toEqual([]);
});

test.each([
  ['kill yolos@1', /no node 'yolos'; its nodes are yolo, door\.cam_1-a/],
  ['kill yolo#2@1', /no replica 2; it has 2/],
  ['kill yolo@1+5', /a kill has no duration/],
  ['pause yolo@1', /a pause needs its duration/],
  ['slow yolo@1+5', /a factor above 1/],
  ['slow yolo@1+5x1', /a factor above 1/],
  ['restart yolo@1', /expected 'restart broker@900'/],
  ['melt yolo@1', /there is no fault 'melt'/],
  ['kill yolo@1,kill', /fault 'kill': expected 'none', or such as/],
  ['kill yolo@-1', /expected 'none', or such as/],
])('%j is refused: %s', (text, message) => {
  expect(() => parseSchedule(text, targets)).toThrow(message);
  expect(() => parseSchedule(text, targets)).toThrow(EdgeFlowError);
});

test('without servers there is no restart', () => {
  expect(() => parseSchedule('restart broker@1', { ...targets, restartable: false })).toThrow(/use --broker redis/);
});
