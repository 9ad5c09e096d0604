import { MemoryBroker } from 'edgeflow';
import { messages, pipelines, schedules } from 'edgeflow/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatSchedule, parseSchedule } from '#src/check/schedule.js';

test('messages: a broker takes them, and gives back what they were', async () => {
  await fc.assert(
    fc.asyncProperty(messages(), messages(fc.string()), async (first, second) => {
      const broker = new MemoryBroker();
      await broker.declare({ topic: 't', groups: ['g'] });
      for (const message of [first, second]) await broker.push('t', message);
      expect(await broker.pop('t', { group: 'g', consumer: 'c', count: 2, waitMs: 0 })).toMatchObject([first, second]);
    }),
  );
});

test('schedules: what edgeflow check takes', () => {
  const nodes = [
    { name: 'camera', replicas: 1 },
    { name: 'yolo', replicas: 2 },
  ];
  fc.assert(
    fc.property(schedules(['camera', { name: 'yolo', replicas: 2 }], { restarts: true }), (text) => {
      expect(formatSchedule(parseSchedule(text, { nodes, restartable: true }))).toBe(text);
    }),
  );
});

test('pipelines: are printed as their steps', () => {
  const [sample] = fc.sample(pipelines(), { numRuns: 1, seed: 1 });
  expect(String(sample)).toBe(sample?.steps.map(({ kind }) => kind).join(' | '));
});
