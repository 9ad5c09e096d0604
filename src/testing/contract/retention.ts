import fc from 'fast-check';
import { numbered, numberOf, until } from '../harness.js';
import { withStore } from '../conformance/withStore.js';
import type { ContractLine } from './prove.js';
import { a, drain, popNow, topicStats } from './support.js';

/** D8. Several groups at their own pace. */
export const retained: ContractLine = {
  name: 'D8',
  statement: 'retention: nothing is removed while a group has it unread or pending',
  property: (harness) =>
    fc.asyncProperty(
      fc.array(
        fc.record({
          group: fc.constantFrom('g', 'h', 'slow'),
          pushes: fc.nat({ max: 6 }),
          takes: fc.nat({ max: 8 }),
          acks: fc.nat({ max: 8 }),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      (steps) =>
        withStore(harness, async ({ broker }) => {
          const groups = ['g', 'h', 'slow'];
          await broker.declare({ topic: 't', groups, readers: ['r'] });
          const acked = new Map(groups.map((group) => [group, new Set<number>()]));
          let pushed = 0;
          for (const { group, pushes, takes, acks } of steps) {
            for (let count = 0; count < pushes; count++) await broker.push('t', numbered(pushed++, 5_000));
            const consumer = { group, consumer: 'a' };
            const settled = (await popNow(broker, 't', consumer, takes)).slice(0, acks);
            await broker.ack('t', consumer, settled);
            for (const message of settled) acked.get(group)?.add(numberOf(message));
            const values = Array.from({ length: pushed }, (_, value) => value);
            const needed = values.filter((value) => groups.some((name) => !acked.get(name)?.has(value))).length;
            const { entries } = await topicStats(broker, 't');
            if (entries < needed) throw new Error(`${needed} messages are needed, ${entries} are stored`);
          }
          for (const group of groups) {
            const consumer = { group, consumer: 'a' };
            await broker.release('t', consumer);
            const rest = await drain(broker, 't', consumer);
            if (rest.some(({ payload }) => payload.length !== 5_000)) throw new Error(`a message of '${group}' came without its bytes`);
            const all = new Set([...(acked.get(group) ?? []), ...rest.map(numberOf)]);
            if (all.size !== pushed) throw new Error(`${pushed} published, '${group}' got ${all.size}`);
          }
        }),
    ),
};

/** D9. All groups have settled all: by ack, dead letter that is dropped, commit, or dropped group. */
export const reclaimed: ContractLine = {
  name: 'D9',
  statement: 'reclaim: when all groups have settled, entries and bytes are gone, and a sweep finds no orphan',
  property: (harness) =>
    fc.asyncProperty(
      fc.array(fc.constantFrom(0, 100, 5_000, 60_000), { minLength: 1, maxLength: 25 }),
      fc.array(fc.constantFrom('ack' as const, 'commit' as const, 'dead' as const), { minLength: 1, maxLength: 25 }),
      fc.boolean(),
      (sizes, ends, dropped) =>
        withStore(harness, async ({ broker }) => {
          await broker.declare({ topic: 't', groups: dropped ? ['g', 'gone'] : ['g'] });
          await broker.declare({ topic: 'out', groups: [] });
          await Promise.all(sizes.map((bytes, value) => broker.push('t', numbered(value, bytes))));
          for (const [index, message] of (await popNow(broker, 't')).entries()) {
            const end = ends[index % ends.length];
            if (end === 'ack') await broker.ack('t', a, [message]);
            else if (end === 'dead') await broker.nack('t', a, message, { error: 'no' });
            else await broker.commit({ acks: [{ topic: 't', ...a, tickets: [message] }], messages: [] });
          }
          if (dropped) await broker.dropGroup('t', 'gone');
          const letters = (await broker.deadLetters('t')).map(({ letter }) => letter);
          if ((await broker.dropDeadLetters('t', letters)) !== letters.length) throw new Error('a dead letter could not be dropped');
          const { entries, bytes, deadLetters } = await topicStats(broker, 't');
          if (entries + bytes + deadLetters !== 0)
            throw new Error(`${entries} entries, ${bytes} bytes and ${deadLetters} letters are left`);
          const { orphans } = await broker.sweep({ graceMs: 0 });
          if (orphans !== 0) throw new Error(`${orphans} payloads were left behind`);
        }),
    ),
};

/** D10. Producers that are faster than a consumer. */
export const backPressure: ContractLine = {
  name: 'D10',
  statement: 'back-pressure: stored bytes stay within maxBytes + one message; a push waits or rejects, and never drops',
  property: (harness) =>
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom('wait' as const, 'reject' as const),
      (sizes, maxBytes, takes, onFull) =>
        withStore(harness, async ({ broker }) => {
          await broker.declare({ topic: 't', groups: ['g'], maxBytes, onFull });
          const most = maxBytes + Math.max(...sizes) + 8;
          const check = async (): Promise<void> => {
            const { bytes } = await topicStats(broker, 't');
            if (bytes > most) throw new Error(`${bytes} bytes are stored; maxBytes is ${maxBytes}, the largest message ${most - maxBytes}`);
          };
          const accepted: number[] = [];
          let settled = 0;
          const pushes = sizes.map(async (bytes, value) => {
            try {
              await broker.push('t', numbered(value, bytes));
              accepted.push(value);
            } catch (error) {
              if (onFull === 'wait' || (error as { code?: string }).code !== 'BROKER_FULL') throw error;
            } finally {
              settled++;
            }
          });
          const received: number[] = [];
          await until(
            'every push is settled, and what was accepted is consumed',
            async () => {
              await check();
              const popped = await broker.pop('t', { ...a, count: takes, waitMs: 5 });
              await broker.ack('t', a, popped);
              received.push(...popped.map(numberOf));
              return settled === sizes.length && received.length >= accepted.length;
            },
            harness.patienceMs,
          );
          await Promise.all(pushes);
          if (onFull === 'wait' && accepted.length !== sizes.length)
            throw new Error(`${accepted.length} of ${sizes.length} pushes resolved`);
          if (received.join() !== [...accepted].sort((one, two) => one - two).join())
            throw new Error(`accepted ${accepted.join()}, received ${received.join()}`);
        }),
    ),
};
