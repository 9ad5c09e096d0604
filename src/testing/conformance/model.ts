import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Broker, DeliveredMessage } from '../../brokers/broker.js';
import { TopicLog } from '../../brokers/memory/topicLog.js';
import { numbered, numberOf } from '../harness.js';
import type { BrokerHarness } from '../harness.js';
import { withStore } from './withStore.js';

/** One step of a random history. Numbers pick among what is there. */
type Step =
  | { readonly kind: 'push'; readonly bytes: number }
  | { readonly kind: 'repeat'; readonly pick: number }
  | { readonly kind: 'pop'; readonly consumer: string; readonly count: number; readonly strict: boolean }
  | { readonly kind: 'ack' | 'retry' | 'dead' | 'staleAck'; readonly pick: number }
  | { readonly kind: 'release'; readonly consumer: string }
  | { readonly kind: 'latest'; readonly reader: string };

const consumers = ['a', 'b'];
const consumer = fc.constantFrom(...consumers);
const pick = fc.nat({ max: 1_000 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('push' as const), bytes: fc.constantFrom(0, 10, 5_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat' as const), pick }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pop' as const), consumer, count: fc.integer({ min: 1, max: 4 }), strict: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('ack' as const, 'ack' as const, 'retry' as const, 'dead' as const, 'staleAck' as const),
      pick,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), consumer }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('latest' as const), reader: fc.constantFrom('r', 's') }) },
);

interface Held {
  readonly consumer: string;
  readonly message: DeliveredMessage;
}

/** The broker under test and the model, going through the same steps. */
class Comparison {
  readonly #model = new TopicLog('t', 10_000);
  readonly #broker: Broker;
  readonly #sent: ReturnType<typeof numbered>[] = [];
  readonly #held: Held[] = [];
  readonly #settled: Held[] = [];
  readonly done = new Set<number>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  async start(): Promise<void> {
    const declaration = { topic: 't', groups: ['g', 'h'], readers: ['r', 's'] };
    this.#model.declare(declaration);
    await this.#broker.declare(declaration);
  }

  get sent(): number {
    return this.#sent.length;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'push': {
        const message = numbered(this.#sent.length, step.bytes);
        this.#sent.push(message);
        expect(await this.#broker.push('t', message)).toEqual(this.#model.push(message));
        return;
      }
      case 'repeat': {
        const message = this.#sent[step.pick % Math.max(1, this.#sent.length)];
        if (message) expect(await this.#broker.push('t', message)).toEqual(this.#model.push(message));
        return;
      }
      case 'pop': {
        await this.pop(step.consumer, step.count, step.strict);
        return;
      }
      case 'release': {
        this.#model.release('g', step.consumer);
        await this.#broker.release('t', { group: 'g', consumer: step.consumer });
        for (let index = this.#held.length - 1; index >= 0; index--) {
          const held = this.#held[index];
          if (held?.consumer === step.consumer) this.#settled.push(...this.#held.splice(index, 1));
        }
        return;
      }
      case 'latest': {
        const expected = this.#model.popLatest(step.reader);
        const taken = await this.#broker.popLatest('t', { reader: step.reader, consumer: 'a', waitMs: 0 });
        expect(taken && [taken.seq, taken.id, taken.payload.length]).toEqual(
          expected && [expected.seq, expected.id, expected.payload.length],
        );
        return;
      }
      default: {
        await this.#settle(step.kind, step.pick);
      }
    }
  }

  async pop(name: string, count: number, strict: boolean): Promise<number> {
    const expected = this.#model.pop('g', name, count, strict, 0);
    const popped = await this.#broker.pop('t', { group: 'g', consumer: name, count, strict, waitMs: 0 });
    const key = ({ seq, token, attempt, id, payload }: DeliveredMessage): unknown => [seq, token, attempt, id, payload.length];
    expect(popped.map(key)).toEqual(expected.map(key));
    for (const message of popped) this.#held.push({ consumer: name, message });
    return popped.length;
  }

  async #settle(kind: 'ack' | 'retry' | 'dead' | 'staleAck', pick: number): Promise<void> {
    const from = kind === 'staleAck' ? this.#settled : this.#held;
    const [held] = kind === 'staleAck' ? [from[pick % Math.max(1, from.length)]] : from.splice(pick % Math.max(1, from.length), 1);
    if (!held) return;
    const who = { group: 'g', consumer: held.consumer };
    if (kind !== 'staleAck') this.#settled.push(held);
    if (kind === 'ack' || kind === 'staleAck') {
      const { fenced } = await this.#broker.ack('t', who, [held.message]);
      const acked = this.#model.ack('g', held.consumer, held.message);
      expect(fenced.length).toBe(acked ? 0 : 1);
      if (acked) this.done.add(numberOf(held.message));
      return;
    }
    const failure = { error: 'failed', retryAfterMs: kind === 'retry' ? 0 : undefined };
    const taken = this.#model.nack('g', held.consumer, held.message, failure, 0, 0);
    expect(await this.#broker.nack('t', who, held.message, failure)).toBe(taken);
    if (taken && kind === 'dead') this.done.add(numberOf(held.message));
  }

  /** Acks all that is left and compares the counts. */
  async finish(): Promise<void> {
    for (const name of consumers) await this.take({ kind: 'release', consumer: name });
    while ((await this.pop('a', 50, false)) > 0) {
      while (this.#held.length > 0) await this.#settle('ack', 0);
    }
    expect((await this.#broker.stats())[0]).toEqual(this.#model.stats());
  }
}

/**
 * Property of random histories: the broker answers every step as the model does, loses nothing, and its counts balance.
 *
 * @throws Error with the seed and the shrunk history where it does not.
 */
export async function checkHistories(harness: BrokerHarness): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) =>
      withStore(harness, async ({ broker }) => {
        const comparison = new Comparison(broker);
        await comparison.start();
        for (const next of steps) await comparison.take(next);
        await comparison.finish();
        expect(comparison.done.size).toBe(comparison.sent);
      }),
    ),
    { numRuns: harness.runs ?? 30 },
  );
}

/**
 * Property of random pushes and takes by replicas: nothing is taken twice, nothing older than before, and every message is
 * counted.
 *
 * @throws Error with the seed and the shrunk history where it does not hold.
 */
export async function checkLatestOnly(harness: BrokerHarness): Promise<void> {
  const take = fc.constantFrom('push' as const, 'a' as const, 'b' as const);
  await fc.assert(
    fc.asyncProperty(fc.array(take, { minLength: 1, maxLength: 80 }), (steps) =>
      withStore(harness, async ({ broker, store }) => {
        await broker.declare({ topic: 't', readers: ['r'] });
        const replicas = { a: broker, b: await store.connect() };
        let pushed = 0;
        const taken: number[] = [];
        for (const next of steps) {
          if (next === 'push') {
            await broker.push('t', numbered(++pushed));
            continue;
          }
          const message = await replicas[next].popLatest('t', { reader: 'r', consumer: next, waitMs: 0 });
          if (!message) {
            expect(pushed === 0 || taken.at(-1) === pushed).toBe(true);
            continue;
          }
          expect(numberOf(message)).toBe(pushed);
          expect(message.seq).toBeGreaterThan(taken.at(-1) ?? 0);
          taken.push(message.seq);
        }
        const reader = (await broker.stats())[0]?.readers.r;
        expect(reader).toEqual({
          published: pushed,
          delivered: taken.length,
          skipped: (taken.at(-1) ?? 0) - taken.length,
          waiting: pushed - (taken.at(-1) ?? 0),
        });
      }),
    ),
    { numRuns: harness.runs ?? 30 },
  );
}

/** Both properties as tests. */
export function modelConformance(harness: BrokerHarness): void {
  test('random histories: same answers as the model, nothing lost, counts balance', () => checkHistories(harness), 120_000);

  test(
    'latest only: random pushes and takes by replicas never repeat, never go back, and every message is counted',
    () => checkLatestOnly(harness),
    120_000,
  );
}
