import { MemoryBroker } from 'edgeflow';
import { numbered, numberOf } from 'edgeflow/testing';
import { expect, onTestFinished, test } from 'vitest';

const consumer = { group: 'g', consumer: 'a' };

test('waits of years are waits: no timer that is too long for Node, and no looking all the time', async () => {
  const warnings: string[] = [];
  const warn = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  let looks = 0;
  const broker = new MemoryBroker({ now: () => (looks++, performance.now()) });
  await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
  const popped = broker.pop('t', { ...consumer, count: 1, waitMs: 2 ** 40 });
  const latest = broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 2 ** 40 });
  // Timers that fired at once would have done so before these.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(looks).toBeLessThan(10);
  expect(warnings).toEqual([]);
  await broker.push('t', numbered(1));
  expect((await popped).map(numberOf)).toEqual([1]);
  expect((await latest)?.seq).toBe(1);
  await broker.close();
});
