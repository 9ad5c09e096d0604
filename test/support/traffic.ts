import type { Broker } from 'edgeflow';
import { numbered, numberOf } from 'edgeflow/testing';
import { expect } from 'vitest';
import { expectBalance } from './balance.js';
import { range } from './system.js';

/** Options of {@link traffic}. */
export interface TrafficOptions {
  readonly producer: Broker;
  readonly consumer: Broker;
  readonly total: number;
  /** Sizes of the payloads, in turn. @defaultValue small ones, and every fifth on the data plane */
  readonly bytes?: readonly number[];
  /** Publishes that may be under way at once. @defaultValue 16 */
  readonly concurrency?: number;
  /** Told how many messages were acked, now and then. */
  readonly onProgress?: (acked: number) => void;
}

/**
 * Pushes messages by one client, and takes them by another as a DURABLE group and as a REALTIME reader, while a test makes
 * faults. Then checks that nothing that was accepted is lost, that the order held, and that the counts balance.
 */
export async function traffic({
  producer,
  consumer,
  total,
  bytes = [50, 0, 300, 60, 6_000],
  concurrency = 16,
  onProgress,
}: TrafficOptions): Promise<void> {
  const me = { group: 'g', consumer: 'a' };
  await producer.declare({ topic: 't', groups: ['g'], readers: ['r'] });
  const first: number[] = [];
  const latest: number[] = [];
  const seen = new Set<number>();
  const consuming = async (): Promise<void> => {
    while (seen.size < total) {
      const popped = await consumer.pop('t', { ...me, count: 16, waitMs: 500 });
      for (const message of popped) {
        const value = numberOf(message);
        expect(message.payload.length).toBe(bytes[value % bytes.length]);
        if (!seen.has(value)) first.push(value);
        seen.add(value);
      }
      expect((await consumer.ack('t', me, popped)).fenced).toEqual([]);
      onProgress?.(seen.size);
    }
  };
  const reading = async (): Promise<void> => {
    while (seen.size < total) {
      const message = await consumer.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 200 });
      if (message) latest.push(message.seq);
    }
  };
  const publishing = async (): Promise<void> => {
    for (let from = 0; from < total; from += concurrency) {
      const batch = range(Math.min(concurrency, total - from)).map((i) =>
        producer.push('t', numbered(from + i, bytes[(from + i) % bytes.length])),
      );
      for (const receipt of await Promise.all(batch)) expect(receipt.duplicate).toBe(false);
    }
  };
  await Promise.all([publishing(), consuming(), reading()]);
  expect(first).toEqual(range(total));
  expect(latest).toEqual([...new Set(latest)].sort((one, two) => one - two));
  const stats = await producer.stats();
  expect(stats[0]).toMatchObject({ published: total, deadLetters: 0, groups: { g: { acked: total, dead: 0, open: 0, unread: 0 } } });
  expect(stats[0]?.readers.r?.delivered).toBe(latest.length);
  expectBalance(stats);
}
