import fc from 'fast-check';
import type { GroupConsumer } from 'edgeflow';
import { numbered, numberOf } from 'edgeflow/testing';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { expectBalance } from '../support/balance.js';
import { volatileDisk } from '../support/volatileDisk.js';

const me = { group: 'g', consumer: 'a' };
const other = { group: 'h', consumer: 'a' };

/** What a host finds after it has booted: the environment of another boot is not used. */
export function boot(directory: string): EmbeddedBroker {
  for (const name of readdirSync(directory)) if (name.startsWith('control-')) rmSync(join(directory, name));
  return new EmbeddedBroker({ directory, durability: 'power' });
}

/** Takes all that a group is owed. */
export async function drain(broker: EmbeddedBroker, topic: string, consumer: GroupConsumer): Promise<number[]> {
  const values: number[] = [];
  for (;;) {
    const popped = await broker.pop(topic, { ...consumer, count: 100, waitMs: 0 });
    if (popped.length === 0) return values.sort((a, b) => a - b);
    values.push(...popped.map(numberOf));
    await broker.ack(topic, consumer, popped);
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('push' as const), bytes: fc.constantFrom(0, 100, 6_000), wait: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('ack' as const, 'pass' as const), wait: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('nack' as const, 'sweep' as const), wait: fc.boolean() }) },
  ),
  { maxLength: 30 },
);
const kept = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });

/** Nothing that was confirmed is lost, and a commit is whole or not at all, however often the power goes. */
export async function expectPowerLossesHarmless(folder: string, numRuns: number): Promise<void> {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(steps, kept, async (given, keeps) => {
      const directory = join(folder, String(run++));
      mkdirSync(directory);
      // lmdb itself syncs the payloads.
      const disk = volatileDisk(directory, { except: ['data.mdb', 'data.mdb-lock'] });
      const broker = new EmbeddedBroker({ directory, durability: 'power' });
      const lost = join(folder, `${run}-lost`);
      const pushed: number[] = [];
      const taken = new Set<number>();
      const passed: number[] = [];
      const pending: Promise<unknown>[] = [];
      try {
        await broker.declare({ topic: 't', groups: ['g'] });
        await broker.declare({ topic: 'u', groups: ['h'] });
        for (const [value, step] of given.entries()) {
          const work = async (): Promise<void> => {
            // Without grace it takes what a push has only begun with.
            if (step.do === 'sweep') await Promise.all(pending);
            if (step.do === 'sweep') await broker.sweep({ graceMs: 0 });
            else if (step.do === 'push') {
              await broker.push('t', numbered(value, step.bytes));
              pushed.push(value);
            } else {
              const [message] = await broker.pop('t', { ...me, count: 1, waitMs: 0 });
              if (!message) return;
              // An ack may be undone; of a commit and a dead letter, only as a whole.
              if (step.do === 'ack') {
                taken.add(numberOf(message));
                await broker.ack('t', me, [message]);
              } else if (step.do === 'nack') {
                taken.add(numberOf(message));
                await broker.nack('t', me, message, { error: 'no' });
              } else {
                taken.add(numberOf(message));
                const acks = [{ topic: 't', ...me, tickets: [message] }];
                await broker.commit({ acks, messages: [{ topic: 'u', message: numbered(numberOf(message), 10) }] });
                passed.push(numberOf(message));
              }
            }
          };
          const working = work();
          pending.push(working);
          if (step.wait) await working;
        }
        let draw = 0;
        disk.lose(lost, () => keeps[draw++ % keeps.length] ?? true);
        const confirmed = { pushed: pushed.filter((value) => !taken.has(value)), passed: [...passed] };
        await Promise.all(pending);
        const after = boot(lost);
        try {
          expectBalance(await after.stats());
          const here = await drain(after, 't', me);
          const there = await drain(after, 'u', other);
          expect(here).toEqual(expect.arrayContaining(confirmed.pushed));
          expect(there).toEqual(expect.arrayContaining(confirmed.passed));
          expect(here.filter((value) => there.includes(value))).toEqual([]);
          const letters = await after.deadLetters('t');
          expect(letters.map(({ error }) => error)).toEqual(letters.map(() => 'no'));
        } finally {
          await after.close();
        }
      } finally {
        disk.remove();
        await Promise.allSettled(pending);
        await broker.close();
      }
    }),
    { numRuns },
  );
}
