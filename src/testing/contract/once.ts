import fc from 'fast-check';
import type { Broker, DeliveredMessage } from '../../brokers/broker.js';
import { numbered, numberOf } from '../harness.js';
import { withStore } from '../conformance/withStore.js';
import type { ContractLine } from './prove.js';
import { a, crash, drain, groupStats, popNow, topicStats } from './support.js';

/** D2. Ids that come again, from one client or another, alone or in a batch. */
export const publishOnce: ContractLine = {
  name: 'D2',
  statement: 'publish once: an id that is published again within the dedupe window adds nothing',
  property: (harness) =>
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 12 }), fc.boolean(), fc.constantFrom(0, 7_000)), { minLength: 1, maxLength: 40 }),
      (publishes) =>
        withStore(harness, async ({ broker, store }) => {
          await broker.declare({ topic: 't', groups: ['g'] });
          const other = await store.connect();
          const seqs = new Map<number, number>();
          for (const [value, elsewhere, bytes] of publishes) {
            const { seq, duplicate } = await (elsewhere ? other : broker).push('t', numbered(value, bytes, `id-${value}`));
            const known = seqs.get(value);
            if (duplicate !== (known !== undefined) || (known !== undefined && known !== seq))
              throw new Error(`id-${value} got position ${seq}, ${duplicate ? 'known' : 'new'}; expected ${known ?? 'a new one'}`);
            seqs.set(value, seq);
          }
          const received = (await drain(broker, 't')).map(numberOf);
          if (received.length !== seqs.size) throw new Error(`${seqs.size} ids published, ${received.length} messages received`);
        }),
    ),
};

interface Step {
  readonly take: number;
  readonly commit: number;
  readonly outcome: 'go on' | 'crash' | 'crash, and the old one commits too';
}

/** D3. A node between two topics that is killed at any moment, and whose ghost may still commit. */
export const effectivelyOnce: ContractLine = {
  name: 'D3',
  statement: 'effectively once: a node between two topics commits one output for each input, across kills',
  property: (harness) =>
    fc.asyncProperty(
      fc.integer({ min: 1, max: 30 }),
      fc.array(
        fc.record<Step>({
          take: fc.integer({ min: 1, max: 12 }),
          commit: fc.nat({ max: 12 }),
          outcome: fc.constantFrom('go on', 'crash', 'crash, and the old one commits too'),
        }),
        { maxLength: 10 },
      ),
      (count, steps) =>
        withStore(harness, async ({ broker, store }) => {
          await broker.declare({ topic: 'in', groups: ['g'] });
          await broker.declare({ topic: 'out', groups: ['g'] });
          await Promise.all(Array.from({ length: count }, (_, value) => broker.push('in', numbered(value))));
          let life = 0;
          // Ids differ between lives: only the step itself, and no recognised id, keeps outputs single.
          const commit = async (client: Broker, message: DeliveredMessage): Promise<void> => {
            const output = numbered(numberOf(message), numberOf(message) % 4 === 0 ? 8_000 : 0, `life-${life}>${numberOf(message)}`);
            await client.commit({ acks: [{ topic: 'in', ...a, tickets: [message] }], messages: [{ topic: 'out', message: output }] });
          };
          let node = await store.connect();
          for (const { take, commit: commits, outcome } of steps) {
            const taken = await popNow(node, 'in', a, take);
            await Promise.all(taken.slice(0, commits).map((message) => commit(node, message)));
            if (outcome === 'go on') continue;
            const ghost = node;
            life++;
            node = await crash(node, store, 'in');
            if (outcome === 'crash') continue;
            for (const message of await popNow(node, 'in', a, take)) await commit(node, message);
            for (const message of taken) await commit(ghost, message);
          }
          life++;
          node = await crash(node, store, 'in');
          for (let taken = await popNow(node, 'in'); taken.length > 0; taken = await popNow(node, 'in'))
            for (const message of taken) await commit(node, message);
          const outputs = (await drain(broker, 'out')).map(numberOf).sort((one, two) => one - two);
          const expected = Array.from({ length: count }, (_, value) => value);
          if (outputs.join() !== expected.join()) throw new Error(`inputs 0 to ${count - 1}, outputs ${outputs.join()}`);
          const { acked } = await groupStats(broker, 'in', 'g');
          if (acked !== count) throw new Error(`${count} inputs, ${acked} acked`);
        }),
    ),
};

/** D5. A consumer that was taken for dead acks, nacks and commits what another one has by now. */
export const fencing: ContractLine = {
  name: 'D5',
  statement: 'fencing: what was given to another consumer cannot be settled by the old one',
  property: (harness) =>
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.constantFrom('ack' as const, 'retry' as const, 'dead' as const), { minLength: 1, maxLength: 20 }),
      fc.constantFrom('a', 'b'),
      (count, attempts, name) =>
        withStore(harness, async ({ broker }) => {
          await broker.declare({ topic: 't', groups: ['g'] });
          await Promise.all(Array.from({ length: count }, (_, value) => broker.push('t', numbered(value))));
          const old = await popNow(broker, 't');
          await broker.release('t', a);
          const owner = { group: 'g', consumer: name };
          const owned = await popNow(broker, 't', owner);
          for (const [index, message] of old.entries()) {
            const attempt = attempts[index % attempts.length];
            const accepted =
              attempt === 'ack'
                ? (await broker.ack('t', a, [message])).fenced.length === 0
                : await broker.nack('t', a, message, { error: 'late', retryAfterMs: attempt === 'retry' ? 0 : undefined });
            if (accepted) throw new Error(`the old owner's ${attempt} of message ${message.seq} was accepted`);
          }
          const { fenced } = await broker.ack('t', owner, owned);
          if (fenced.length > 0) throw new Error(`${fenced.length} acks of the owner were fenced`);
          const { groups, deadLetters } = await topicStats(broker, 't');
          if (groups.g?.acked !== count || deadLetters !== 0)
            throw new Error(`${groups.g?.acked} of ${count} acked, ${deadLetters} dead letters`);
        }),
    ),
};
