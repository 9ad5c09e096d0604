import fc from 'fast-check';
import { numbered, numberOf, until } from '../harness.js';
import { withStore } from '../conformance/withStore.js';
import { holdInProcess } from './hold.js';
import type { ContractLine } from './prove.js';
import { a, crash, drain, groupStats, popNow } from './support.js';

/** What a producer, a consumer and the world may do in turn. */
type Event =
  | { readonly kind: 'publish'; readonly count: number; readonly bytes: number }
  | { readonly kind: 'take'; readonly count: number; readonly acked: number; readonly failed: number }
  | { readonly kind: 'crash' }
  | { readonly kind: 'fault'; readonly pick: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      count: fc.integer({ min: 1, max: 20 }),
      bytes: fc.constantFrom(0, 100, 9_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      count: fc.integer({ min: 1, max: 20 }),
      acked: fc.nat({ max: 20 }),
      failed: fc.nat({ max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fault' as const), pick: fc.nat({ max: 100 }) }) },
);

/** D1. Publishing, taking, failing, dying and the store's own faults in any order. */
export const noLoss: ContractLine = {
  name: 'D1',
  statement: 'no loss: what was published is acked or dead-lettered by every group that existed, whatever is killed',
  property: (harness) =>
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 16 }), (events) =>
      withStore(harness, async ({ broker, store }) => {
        const faults = Object.values(store.faults ?? {});
        await broker.declare({ topic: 't', groups: ['g', 'h'] });
        let consumer = await store.connect();
        let published = 0;
        const done = new Set<number>();
        for (const next of events) {
          if (next.kind === 'publish') {
            const values = Array.from({ length: next.count }, (_, index) => published + index);
            published += next.count;
            await Promise.all(values.map((value) => broker.push('t', numbered(value, next.bytes))));
          } else if (next.kind === 'take') {
            const popped = await popNow(consumer, 't', a, next.count);
            const acked = popped.slice(0, next.acked);
            const { fenced } = await consumer.ack('t', a, acked);
            const lost = new Set(fenced.map(({ seq }) => seq));
            for (const message of acked) if (!lost.has(message.seq)) done.add(numberOf(message));
            for (const message of popped.slice(next.acked, next.acked + next.failed)) {
              const given = await consumer.nack('t', a, message, { error: 'given up' });
              if (given) done.add(numberOf(message));
            }
          } else if (next.kind === 'crash') consumer = await crash(consumer, store, 't');
          else await faults[next.pick % Math.max(1, faults.length)]?.();
        }
        // Whoever held messages last is dead too.
        consumer = await crash(consumer, store, 't');
        for (const message of await drain(consumer, 't', a, harness.patienceMs)) done.add(numberOf(message));
        const rest = await drain(consumer, 't', { group: 'h', consumer: 'a' }, harness.patienceMs);
        const seen = new Set(rest.map(numberOf));
        if (done.size !== published) throw new Error(`${published} published, ${done.size} acked or dead-lettered by 'g'`);
        if (seen.size !== published) throw new Error(`${published} published, ${seen.size} acked by 'h'`);
        const { acked, dead, published: counted } = await groupStats(broker, 't', 'g');
        if (counted !== published || acked + dead !== published)
          throw new Error(`the ledger says ${counted} published = ${acked} acked + ${dead} dead, of ${published}`);
      }),
    ),
};

const visibilityMs = 500;

/** D4. Of two processes with messages open one is killed, and its name does not come back. */
export const redelivery: ContractLine = {
  name: 'D4',
  statement:
    'redelivery: what a killed consumer had open is delivered to another within the visibility time + 2 s, and what a living one has is not',
  needs: 'processes',
  share: 0.1,
  property: (harness) =>
    fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (count, held) =>
      withStore(
        harness,
        async ({ broker }) => {
          const config = await broker.open();
          if (!config) throw new Error('the broker has no configuration for other processes');
          await broker.declare({ topic: 't', groups: ['g'] });
          await Promise.all(Array.from({ length: count + 1 }, (_, value) => broker.push('t', numbered(value))));
          const other = { group: 'g', consumer: 'b' };
          // It looks for dead consumers from now on.
          await popNow(broker, 't', other, 0);
          const living = await holdInProcess({ config, topic: 't', consumer: { group: 'g', consumer: 'c' }, count: 1 });
          try {
            const dead = await holdInProcess({ config, topic: 't', consumer: a, count: held });
            const killed = performance.now();
            dead.kill('SIGKILL');
            const received = new Set<number>();
            await until(
              'all that was held is delivered again',
              async () => {
                const popped = await broker.pop('t', { ...other, count: 100, waitMs: 500 });
                await broker.ack('t', other, popped);
                for (const { seq } of popped) received.add(seq);
                return dead.seqs.every((seq) => received.has(seq));
              },
              harness.patienceMs ?? 30_000,
            );
            const tookMs = performance.now() - killed;
            if (tookMs > visibilityMs + 2_000) throw new Error(`it took ${Math.round(tookMs)} ms`);
            // It took its message first: without further signs of life it would be taken for dead as well.
            if (living.seqs.some((seq) => received.has(seq))) throw new Error('what a living consumer has was delivered to another');
          } finally {
            living.kill('SIGKILL');
          }
        },
        { visibilityMs },
      ),
    ),
};

/** D11. All clients are gone, and others go on with what is stored. */
export const resume: ContractLine = {
  name: 'D11',
  statement: 'resume: a system that was killed and goes on has lost nothing',
  needs: 'clients',
  property: (harness) =>
    fc.asyncProperty(
      fc.array(fc.record({ pushes: fc.nat({ max: 15 }), takes: fc.nat({ max: 15 }), acks: fc.nat({ max: 15 }) }), {
        minLength: 1,
        maxLength: 5,
      }),
      (lives) =>
        withStore(harness, async ({ store }) => {
          let pushed = 0;
          const acked: number[] = [];
          for (const { pushes, takes, acks } of lives) {
            // Each life has clients of its own, which are left as a kill leaves them.
            const broker = await store.connect();
            await broker.declare({ topic: 't', groups: ['g'] });
            for (let count = 0; count < pushes; count++) await broker.push('t', numbered(pushed++, count % 2 === 0 ? 6_000 : 10));
            const popped = await popNow(broker, 't', a, takes);
            const settled = popped.slice(0, acks);
            const { fenced } = await broker.ack('t', a, settled);
            if (fenced.length > 0) throw new Error('an ack of the only living consumer was fenced');
            acked.push(...settled.map(numberOf));
          }
          const last = await store.connect();
          acked.push(...(await drain(last, 't')).map(numberOf));
          const expected = Array.from({ length: pushed }, (_, index) => index);
          const found = [...acked].sort((one, two) => one - two);
          if (found.join() !== expected.join()) throw new Error(`published 0 to ${pushed - 1}, acked ${found.join()}`);
        }),
    ),
};
