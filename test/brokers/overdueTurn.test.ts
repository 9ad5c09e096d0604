import type { Broker } from 'edgeflow';
import { MemoryBroker } from 'edgeflow';
import { numbered } from 'edgeflow/testing';
import { describe, expect, test } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { freshDirectory } from '../support/system.js';

const me = { group: 'g', consumer: 'a' };

/** Where a timer never had its turn, this is the end of the loop. */
const longestMs = 5_000;

const loops: Readonly<Record<string, (broker: Broker, value: number) => Promise<unknown>>> = {
  'pop, push and ack': async (broker, value) => {
    await broker.push('t', numbered(value));
    return broker.ack('t', me, await broker.pop('t', { ...me, count: 1, waitMs: 1_000 }));
  },
  'pop and release': async (broker) => {
    await broker.pop('t', { ...me, count: 1, waitMs: 1_000 });
    await broker.release('t', me);
  },
  'pop that finds nothing and does not wait': (broker) => broker.pop('empty', { ...me, count: 1, waitMs: 0 }),
  'popLatest that does not wait': (broker) => broker.popLatest('empty', { reader: 'r', consumer: 'a', waitMs: 0 }),
  push: (broker, value) => broker.push('latest', numbered(value)),
  commit: (broker, value) => broker.commit({ acks: [], messages: [{ topic: 'latest', message: numbered(value) }] }),
};

describe.each([
  ['memory', () => new MemoryBroker()],
  ['embedded', () => new EmbeddedBroker({ directory: freshDirectory() })],
] as const)('%s', (_, open) => {
  test.each(Object.entries(loops))('timers have their turn beside a loop of %s', async (_name, step) => {
    const broker = open();
    for (const topic of ['t', 'empty']) await broker.declare({ topic, groups: ['g'], readers: ['r'] });
    await broker.push('t', numbered(-1));
    const signal = AbortSignal.timeout(1);
    const end = performance.now() + longestMs;
    for (let value = 0; !signal.aborted && performance.now() < end; value++) await step(broker, value);
    expect(signal.aborted).toBe(true);
    await broker.close();
  });
});
