import { batch, fromBroker, latestMap, leased, mapAsync, MemoryBroker, QoS, subscriptionsClosed, toBroker, topic } from 'edgeflow';
import type { AckResult, Commit, CommitResult, DeliveredMessage, Failure, GroupConsumer, PopRequest, Ticket, WaitOptions } from 'edgeflow';
import { until } from 'edgeflow/testing';
import fc from 'fast-check';
import { bufferCount, concatMap, delay, distinctUntilChanged, filter, from, lastValueFrom, map, scan, Subscription, tap } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { decodeValue } from '#src/codec.js';

/** What flows through a pipeline: the numbers of the messages that it stands for. */
type Item = readonly number[];

/** The operators under test; a broken one can take the place of a real one. */
export interface Operators {
  readonly mapAsync: typeof mapAsync;
  readonly latestMap: typeof latestMap;
  readonly batch: typeof batch;
  readonly leased: typeof leased;
  /** Publishes what comes out, in one step with the acks; without it, nothing is published. */
  readonly outbox?: typeof toBroker;
}

export const realOperators: Operators = { mapAsync, latestMap, batch, leased };

export type Step =
  | { readonly kind: 'map' | 'scan' | 'tap' | 'distinctUntilChanged' | 'delay'; readonly fails: boolean }
  | { readonly kind: 'filter' | 'bufferCount' | 'batch'; readonly size: number; readonly fails: boolean }
  | { readonly kind: 'latestMap'; readonly fails: boolean }
  | { readonly kind: 'mapAsync'; readonly concurrency: number; readonly ordered: boolean; readonly fails: boolean };

/** @param syncFailures - whether `map` may throw, which ends the stream. */
export function stepsArbitrary({ syncFailures }: { readonly syncFailures: boolean }): fc.Arbitrary<Step[]> {
  const size = fc.integer({ min: 2, max: 5 });
  const never = fc.constant(false);
  return fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('map' as const), fails: syncFailures ? fc.boolean() : never }),
      fc.record({
        kind: fc.constantFrom('scan' as const, 'tap' as const, 'distinctUntilChanged' as const, 'delay' as const),
        fails: never,
      }),
      fc.record({ kind: fc.constantFrom('filter' as const, 'bufferCount' as const, 'batch' as const), size, fails: never }),
      fc.record({ kind: fc.constant('latestMap' as const), fails: fc.boolean() }),
      fc.record({ kind: fc.constant('mapAsync' as const), concurrency: size, ordered: fc.boolean(), fails: fc.boolean() }),
    ),
    { minLength: 1, maxLength: 6 },
  );
}

export interface Case {
  readonly steps: readonly Step[];
  readonly count: number;
  readonly prefetch: number;
  /** How often the failing steps throw for a message, by its number. */
  readonly failures: ReadonlyMap<number, number>;
  readonly maxDeliveries: number;
  /** The first subscriptions are unsubscribed after so many turns of the event loop. */
  readonly cuts: readonly number[];
}

/** What an item is published as. */
interface Output {
  /** The deliveries that it stands for, as `number@token`. */
  readonly of: readonly string[];
  readonly copy: string;
}

export interface Report {
  /** Every delivery and how often it was acked, nacked and handed back, as `number@token`. */
  readonly outcomes: ReadonlyMap<string, { acked: number; nacked: number; released: number }>;
  /** Deliveries on whose branch a step threw. */
  readonly thrown: ReadonlySet<string>;
  /** Those of them where `map` threw. */
  readonly thrownBySync: ReadonlySet<string>;
  /** What reached the outbox. */
  readonly emitted: readonly Output[];
  /** What was published. */
  readonly stored: readonly Output[];
  readonly published: number;
  readonly acked: number;
  readonly dead: number;
}

/** Keeps account of each delivery of the topic. */
class RecordingBroker extends MemoryBroker {
  readonly outcomes = new Map<string, { acked: number; nacked: number; released: number }>();
  readonly tokens = new Map<number, number>();

  key(seq: number): string {
    return `${seq - 1}@${this.tokens.get(seq) ?? 0}`;
  }

  override async pop(topicName: string, request: PopRequest): Promise<DeliveredMessage[]> {
    const messages = await super.pop(topicName, request);
    for (const { seq, token } of topicName === 'numbers' ? messages : []) {
      this.tokens.set(seq, token);
      this.outcomes.set(this.key(seq), { acked: 0, nacked: 0, released: 0 });
    }
    return messages;
  }

  override ack(topicName: string, consumer: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    for (const ticket of tickets) this.#count(ticket, 'acked');
    return super.ack(topicName, consumer, tickets);
  }

  override async commit(commit: Commit, options?: WaitOptions): Promise<CommitResult> {
    const result = await super.commit(commit, options);
    if (result.committed) for (const ticket of commit.acks.flatMap(({ tickets }) => tickets)) this.#count(ticket, 'acked');
    return result;
  }

  override nack(topicName: string, consumer: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean> {
    this.#count(ticket, 'nacked');
    return super.nack(topicName, consumer, ticket, failure);
  }

  override release(topicName: string, consumer: GroupConsumer, seqs: readonly number[] = []): Promise<void> {
    for (const seq of seqs) this.#count({ seq, token: this.tokens.get(seq) ?? 0 }, 'released');
    return super.release(topicName, consumer, seqs);
  }

  #count({ seq, token }: Ticket, column: 'acked' | 'nacked' | 'released'): void {
    const outcome = this.outcomes.get(`${seq - 1}@${token}`);
    if (!outcome) throw new Error(`message ${seq - 1} was ${column} without a delivery`);
    outcome[column]++;
  }
}

/** Runs a pipeline on `count` messages, subscribing anew until each message is acked or dead. */
export async function runPipeline(
  { steps, count, prefetch, failures, maxDeliveries, cuts }: Case,
  operators: Operators = realOperators,
  timeoutMs = 10_000,
): Promise<Report> {
  const broker = new RecordingBroker();
  const numbers = topic<number>('numbers');
  const thrown = new Set<string>();
  const thrownBySync = new Set<string>();
  const left = new Map(failures);

  const failNow = (item: Item, sync: boolean): void => {
    const due = item.filter((number) => (left.get(number) ?? 0) > 0);
    if (due.length === 0) return;
    for (const number of due) left.set(number, (left.get(number) ?? 0) - 1);
    for (const number of item) {
      thrown.add(broker.key(number + 1));
      if (sync) thrownBySync.add(broker.key(number + 1));
    }
    throw new Error(`injected for ${item.join()}`);
  };
  const work = (fails: boolean) => async (item: Item) => {
    for (let turns = (item[0] ?? 0) % 3; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    if (fails) failNow(item, false);
    return item;
  };
  const flat = map((items: Item[]): Item => items.flat());
  const operator = (step: Step): OperatorFunction<Item, Item> => {
    switch (step.kind) {
      case 'map':
        return map((item) => {
          if (step.fails) failNow(item, true);
          return item;
        });
      case 'scan':
        return scan((_, item) => item);
      case 'tap':
        return tap();
      case 'distinctUntilChanged':
        return distinctUntilChanged((a, b) => (a[0] ?? 0) >> 1 === (b[0] ?? 0) >> 1);
      case 'filter':
        return filter((item) => (item[0] ?? 0) % step.size !== 0);
      case 'delay':
        return operators.leased(delay(1), { releases: 'one' });
      case 'bufferCount':
        return (source) => source.pipe(operators.leased(bufferCount<Item>(step.size)), flat);
      case 'batch':
        return (source) => source.pipe(operators.batch(step.size, { maxWaitMs: 3 }), flat);
      case 'latestMap':
        return operators.latestMap(work(step.fails));
      case 'mapAsync':
        return operators.mapAsync(work(step.fails), step);
    }
  };
  const emitted: Output[] = [];
  /** Publishes each item twice, as the deliveries that it stands for; the work that comes then may still fail them. */
  const publish =
    (outbox: typeof toBroker): OperatorFunction<Item, Item> =>
    (items) =>
      items.pipe(
        concatMap((item) => ['first', 'second'].map((copy) => ({ item, copy, of: item.map((number) => broker.key(number + 1)) }))),
        tap((output) => emitted.push(output)),
        outbox('out', { broker, outbox: true }),
        map(({ item }) => item),
        operators.mapAsync(work(true), { concurrency: 3 }),
      );
  const stored = async (): Promise<Output[]> => {
    const messages = await broker.pop('out', { group: 'sink', consumer: 'sink', count: 10_000, waitMs: 0 });
    return messages.map((message) => decodeValue(message) as Output);
  };
  const stats = async () => {
    const group = (await broker.stats()).find(({ topic: name }) => name === 'numbers')?.groups.g;
    if (!group) throw new Error('the group is gone');
    return group;
  };

  await broker.declare({ topic: 'numbers', groups: ['g'] });
  await broker.declare({ topic: 'out', groups: ['sink'] });
  await lastValueFrom(from(Array.from({ length: count }, (_, index) => index)).pipe(toBroker(numbers, { broker })), { defaultValue: 0 });
  const remainingCuts = [...cuts];
  let subscription = Subscription.EMPTY;
  try {
    await until(
      'every message is acked or dead',
      async () => {
        const stop = new AbortController();
        const source = fromBroker(numbers, QoS.DURABLE, {
          broker,
          group: 'g',
          prefetch,
          stop: stop.signal,
          retry: { maxDeliveries, initialMs: 0 },
        });
        let pipeline: Observable<Item> = source.pipe(map((number) => [number]));
        for (const step of steps) pipeline = pipeline.pipe(operator(step));
        if (operators.outbox) pipeline = pipeline.pipe(publish(operators.outbox));
        let ended = false;
        const end = (): void => {
          ended = true;
        };
        subscription = pipeline.subscribe({ error: end, complete: end });
        const cut = remainingCuts.shift();
        if (cut === undefined) {
          await until('all messages were taken', async () => ended || (await stats()).unread === 0, timeoutMs);
          stop.abort();
          await until('the stream completes', () => ended, timeoutMs);
        } else {
          for (let turn = 0; turn < cut; turn++) await new Promise((resolve) => setImmediate(resolve));
          subscription.unsubscribe();
        }
        await subscriptionsClosed();
        const { acked, dead } = await stats();
        return acked + dead === count;
      },
      timeoutMs,
    );
    const { published, acked, dead } = await stats();
    return { outcomes: broker.outcomes, thrown, thrownBySync, emitted, stored: await stored(), published, acked, dead };
  } finally {
    // After a failure it may be live, and the next run waits for all to be closed.
    subscription.unsubscribe();
    await broker.close();
  }
}

/** What went wrong with the deliveries of a run, in words; empty when nothing did. */
export function faults({ outcomes, thrown, thrownBySync, published, acked, dead }: Report, calm: boolean): string[] {
  const found: string[] = [];
  for (const [key, { acked: acks, nacked, released }] of outcomes) {
    if (acks + nacked + released !== 1) found.push(`${key} was acked ${acks}, nacked ${nacked}, handed back ${released} times`);
    if (nacked > 0 && !thrown.has(key)) found.push(`${key} failed, though no step threw`);
    if (nacked === 0 && (calm ? thrown : thrownBySync).has(key)) found.push(`${key} did not fail, though a step threw`);
    if (acks > 0 && thrown.has(key)) found.push(`${key} was acked, though a step threw`);
  }
  if (acked + dead !== published) found.push(`${published} published, ${acked} acked, ${dead} dead`);
  return found;
}

/** What went wrong with what a run published, in words: each output stands or falls with the acks of all its deliveries. */
export function outputFaults({ outcomes, emitted, stored }: Report): string[] {
  const text = ({ of: deliveries, copy }: Output): string => `${copy} output of ${deliveries.join()}`;
  const counts = new Map<string, number>();
  for (const output of stored) counts.set(text(output), (counts.get(text(output)) ?? 0) + 1);
  const found: string[] = [];
  for (const output of emitted) {
    const acked = output.of.filter((key) => (outcomes.get(key)?.acked ?? 0) > 0).length;
    if (acked !== 0 && acked !== output.of.length) found.push(`of the deliveries of the ${text(output)}, ${acked} were acked`);
    const expected = acked > 0 ? 1 : 0;
    const count = counts.get(text(output)) ?? 0;
    if (count !== expected) found.push(`the ${text(output)} was published ${count} times; expected ${expected}`);
  }
  return found;
}
