import fc from 'fast-check';
import type { Broker, LatestMessage } from '../../brokers/broker.js';
import type { ReceivedMessage } from '../../message.js';
import { numbered, numberOf } from '../harness.js';
import { withStore } from '../conformance/withStore.js';
import type { ContractLine } from './prove.js';
import { a, drain, popNow, readerStats, topicStats } from './support.js';

type Step = 'push' | 'a' | 'b' | 'reconnect';

const steps = fc.array(fc.constantFrom<Step>('push', 'push', 'a', 'b', 'reconnect'), { minLength: 1, maxLength: 50 });

function take(broker: Broker, consumer = 'a', waitMs = 0, reader = 'r'): Promise<LatestMessage | undefined> {
  return broker.popLatest('t', { reader, consumer, waitMs });
}

/** Goes through steps with two replicas, and looks at each take and at the counts at the end. */
function history(
  check: (taken: { readonly message: ReceivedMessage | undefined; readonly pushed: number; readonly before: number }) => void,
  finish: (context: { readonly broker: Broker; readonly pushed: number; readonly taken: readonly number[] }) => Promise<void> | void = () =>
    undefined,
): ContractLine['property'] {
  return (harness) =>
    fc.asyncProperty(steps, (history) =>
      withStore(harness, async ({ broker, store }) => {
        await broker.declare({ topic: 't', readers: ['r'] });
        const replicas = { a: await store.connect(), b: await store.connect() };
        const taken: number[] = [];
        let pushed = 0;
        for (const step of history) {
          if (step === 'push') await broker.push('t', numbered(++pushed, pushed % 3 === 0 ? 6_000 : 0));
          else if (step === 'reconnect') replicas.a = await store.connect();
          else {
            const message = await take(replicas[step], step);
            check({ message, pushed, before: taken.at(-1) ?? 0 });
            if (message) taken.push(message.seq);
          }
        }
        await finish({ broker, pushed, taken });
      }),
    );
}

export const monotone: ContractLine = {
  name: 'R1',
  statement: 'monotone: positions delivered to a reader strictly increase, over its replicas and across reconnects',
  property: history(({ message, before }) => {
    if (message && message.seq <= before) throw new Error(`message ${message.seq} came after ${before}`);
  }),
};

export const fresh: ContractLine = {
  name: 'R2',
  statement: 'fresh: a consumer that asks gets a message at least as new as the newest published before',
  property: history(({ message, pushed, before }) => {
    if (message && numberOf(message) !== pushed) throw new Error(`${numberOf(message)} came, ${pushed} was the newest`);
    if (!message && pushed > before) throw new Error(`nothing came, though ${pushed} is newer than ${before}`);
  }),
};

export const counted: ContractLine = {
  name: 'R3',
  statement: 'count: published = delivered + skipped (+ waiting, while it is newer than the last one taken)',
  property: history(
    () => undefined,
    async ({ broker, pushed, taken }) => {
      const newest = taken.at(-1) ?? 0;
      const expected = { published: pushed, delivered: taken.length, skipped: newest - taken.length, waiting: pushed - newest };
      const found = await readerStats(broker, 't', 'r');
      if (JSON.stringify(found) !== JSON.stringify(expected))
        throw new Error(`the broker counts ${JSON.stringify(found)}; expected ${JSON.stringify(expected)}`);
    },
  ),
};

export const bounded: ContractLine = {
  name: 'R4',
  statement: 'bound: a topic that only readers use stores at most its readers + 1 messages',
  property: (harness) =>
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 30 }), (count, steps) =>
      withStore(harness, async ({ broker }) => {
        const readers = Array.from({ length: count }, (_, index) => `r${index}`);
        await broker.declare({ topic: 't', readers });
        let pushed = 0;
        for (const step of steps) {
          await broker.push('t', numbered(++pushed, 6_000));
          const reader = readers[step];
          if (reader !== undefined) await take(broker, 'a', 0, reader);
          const { entries } = await topicStats(broker, 't');
          if (entries > count + 1) throw new Error(`${entries} messages are stored for ${count} readers`);
        }
      }),
    ),
};

export const isolated: ContractLine = {
  name: 'R5',
  statement: 'isolation: a consumer that stands still slows neither the producer nor another consumer',
  property: (harness) =>
    fc.asyncProperty(fc.integer({ min: 2, max: 30 }), fc.boolean(), (count, durable) =>
      withStore(harness, async ({ broker, store }) => {
        await broker.declare({ topic: 't', readers: ['r', 'stopped'], groups: durable ? ['g', 'stopped'] : [] });
        const stopped = await store.connect();
        for (let value = 1; value <= count; value++) {
          await broker.push('t', numbered(value, 100));
          if (value === 1) {
            // From here on it holds what it took, and does nothing more.
            await take(stopped, 'x', 0, 'stopped');
            if (durable) await popNow(stopped, 't', { group: 'stopped', consumer: 'x' });
          }
          const message = await take(broker);
          if (!message || numberOf(message) !== value) throw new Error(`the other reader did not get ${value}`);
        }
        if (durable && (await drain(broker, 't', a)).length !== count) throw new Error('the other group did not get all');
      }),
    ),
};

export const dangling: ContractLine = {
  name: 'R6',
  statement: 'dangling: where payloads are gone the next newer message comes; never an error, a stale or an empty one',
  property: (harness) =>
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), (before, after) =>
      withStore(harness, async ({ broker, store }) => {
        await broker.declare({ topic: 't', readers: ['r'] });
        for (let value = 1; value <= before; value++) await broker.push('t', numbered(value, 6_000));
        if (store.lose) {
          await store.lose('t');
          if ((await take(broker)) !== undefined) throw new Error('a message came though its payload is gone');
        }
        for (let value = before + 1; value <= before + after; value++) await broker.push('t', numbered(value, 6_000));
        const message = await take(broker);
        if (!message || numberOf(message) !== before + after || message.payload.length !== 6_000)
          throw new Error(
            `${message ? `${numberOf(message)} with ${message.payload.length} bytes` : 'nothing'} came; expected ${before + after}`,
          );
        const goneCount = store.lose ? 1 : 0;
        if ((message.gone ?? goneCount) !== goneCount) throw new Error(`${message.gone} are told as gone; expected ${goneCount}`);
        const { published, delivered, skipped, waiting } = await readerStats(broker, 't', 'r');
        if (delivered !== 1 || published !== delivered + skipped + waiting)
          throw new Error(`${published} published = ${delivered} delivered + ${skipped} skipped + ${waiting} waiting`);
      }),
    ),
};
