import fc from 'fast-check';
import { tap } from 'rxjs';
import { encodeValue } from '../codec.js';
import type { ReaderStats } from '../brokers/broker.js';
import { MemoryBroker } from '../brokers/memory/memoryBroker.js';
import { currentDelivery } from '../flow/delivery.js';
import type { Delivery } from '../flow/delivery.js';
import { fromBroker } from '../flow/fromBroker.js';
import { subscriptionsClosed } from '../flow/runtime.js';
import { hasCode } from '../errors.js';
import { QoS } from '../qos.js';
import { until } from './harness.js';
import { assertProperty, checkRuns, inputsOf } from './pipelines/assertProperty.js';
import type { PipelineCheckOptions } from './pipelines/assertProperty.js';
import { endOfPipeline, Failures } from './pipelines/endOfPipeline.js';
import type { CheckedPipeline } from './pipelines/endOfPipeline.js';

/** Options of {@link checkLatestOnly}. */
export interface LatestOnlyOptions<In> extends PipelineCheckOptions<In> {
  /** Most messages in work; with more than 1, results may overtake each other. @defaultValue 1 */
  readonly concurrency?: number;
}

interface Publication<In> {
  readonly input: In;
  /** Turns of the event loop before it is published. */
  readonly after: number;
  /** Whether the subscription is cut off before, and another one made. */
  readonly cut: boolean;
}

interface Case<In> {
  readonly publications: readonly Publication<In>[];
  readonly failures: readonly number[];
  readonly refusals: readonly number[];
}

/**
 * Checks that a pipeline behind a REALTIME topic works on the latest value only: random messages at random moments,
 * subscriptions that are cut off, failures of its work and of what comes after it. No value may come twice or after a newer
 * one, none before the work on the last one is done, the newest must come in the end, and the counts must add up exactly.
 *
 * @param pipeline - an operator; it may take `{ mayFail }` as its second parameter.
 * @throws Error with the seed, the smallest case, and what went wrong in it.
 * @example
 * ```ts
 * test('detect keeps to the latest', () => checkLatestOnly((frames: Observable<number>) => frames.pipe(mapAsync(detect))));
 * ```
 */
export async function checkLatestOnly<In, Out>(pipeline: CheckedPipeline<In, Out>, options: LatestOnlyOptions<In> = {}): Promise<void> {
  checkRuns('checkLatestOnly', options);
  const { maxMessages = 20, concurrency = 1, timeoutMs = 1_000 } = options;
  const calls = fc.uniqueArray(fc.nat({ max: maxMessages }), { maxLength: 5 });
  const publication = fc.record({
    input: inputsOf(options),
    after: fc.nat({ max: 6 }),
    cut: fc.nat({ max: 7 }).map((number) => number === 7),
  });
  const cases = fc.record({
    publications: fc.array(publication, { minLength: 1, maxLength: maxMessages, size: 'max' }),
    failures: calls,
    refusals: calls,
  });
  await assertProperty(cases, options, (example) => new LatestRun(pipeline, example, concurrency, timeoutMs).problems());
}

class LatestRun<In, Out> {
  readonly #broker = new MemoryBroker();
  readonly #pipeline: CheckedPipeline<In, Out>;
  readonly #example: Case<In>;
  readonly #concurrency: number;
  readonly #timeoutMs: number;
  readonly #work: Failures;
  readonly #end: Failures;
  readonly #problems: string[] = [];
  /** Positions of the messages, as the pipeline got them. */
  readonly #taken: number[] = [];
  /** Positions of the messages that what came out belongs to. */
  readonly #given: number[] = [];

  constructor(pipeline: CheckedPipeline<In, Out>, example: Case<In>, concurrency: number, timeoutMs: number) {
    this.#pipeline = pipeline;
    this.#example = example;
    this.#concurrency = concurrency;
    this.#timeoutMs = timeoutMs;
    this.#work = new Failures(example.failures, () => undefined);
    this.#end = new Failures(example.refusals, () => undefined);
  }

  async problems(): Promise<readonly string[]> {
    const { publications } = this.#example;
    await this.#broker.declare({ topic: 't', readers: ['r'] });
    let subscription = this.#subscribe();
    try {
      for (const [index, { input, after, cut }] of publications.entries()) {
        for (let turn = 0; turn < after; turn++) await new Promise((resolve) => setImmediate(resolve));
        if (cut) {
          subscription.end();
          await subscriptionsClosed();
          subscription = this.#subscribe();
        }
        await this.#broker.push('t', { id: `message-${index + 1}`, time: Date.now(), ...encodeValue(input) });
      }
      await until(
        'the newest message comes: the work on one that came before never ended',
        async () => {
          if (subscription.failure) throw subscription.failure.error;
          if (subscription.completed()) subscription = this.#subscribe();
          return (await this.#stats()).waiting === 0;
        },
        this.#timeoutMs,
      );
      await subscription.stop(this.#timeoutMs);
      this.#judge(await this.#stats());
    } finally {
      subscription.end();
      await subscriptionsClosed();
      await this.#broker.close();
    }
    return this.#problems;
  }

  async #stats(): Promise<ReaderStats> {
    const reader = (await this.#broker.stats())[0]?.readers.r;
    if (!reader) throw new Error('the reader is gone');
    return reader;
  }

  #subscribe() {
    const stop = new AbortController();
    let ended: 'completed' | { readonly error: unknown } | undefined;
    const source = fromBroker<In>('t', QoS.REALTIME, {
      broker: this.#broker,
      group: 'r',
      concurrency: this.#concurrency,
      stop: stop.signal,
    }).pipe(tap(() => this.#taken.push(seqOf(currentDelivery()) ?? 0)));
    const end = endOfPipeline<Out>({
      arrived: (_, delivery) => {
        const seq = seqOf(delivery);
        if (seq !== undefined) this.#given.push(seq);
        if (delivery?.settled)
          this.#problems.push(`message ${seq ?? 'of a batch'} was settled before its value had come through: the next one came too early`);
      },
      refuses: (delivery) => this.#end.due(delivery),
      accepted: () => undefined,
    });
    const subscription = this.#pipeline(source, this.#work)
      .pipe(end)
      .subscribe({
        error: (error: unknown) => (ended = { error }),
        complete: () => (ended = 'completed'),
      });
    return {
      /** An error that no later subscription mends. */
      get failure() {
        return typeof ended === 'object' && hasCode(ended.error, 'LEASE_ESCAPED') ? ended : undefined;
      },
      completed: () => ended !== undefined,
      end: () => {
        subscription.unsubscribe();
      },
      stop: async (timeoutMs: number) => {
        stop.abort();
        await until('the stream completes: some work on a message never ends', () => ended !== undefined, timeoutMs);
      },
    };
  }

  #judge({ published, delivered, skipped, waiting }: ReaderStats): void {
    const cuts = this.#example.publications.filter(({ cut }) => cut).length;
    const taken = this.#taken.length;
    if (published !== delivered + skipped + waiting)
      this.#problems.push(`${published} published, but ${delivered} delivered + ${skipped} skipped + ${waiting} waiting`);
    // What was on its way to a subscription that was cut off is counted, and seen by nobody.
    if (delivered < taken || delivered > taken + cuts) this.#problems.push(`${delivered} counted as delivered, but ${taken} came`);
    this.#problems.push(...steps('came to the pipeline', this.#taken, (before, now) => now > before));
    if (this.#concurrency === 1) this.#problems.push(...steps('came out of the pipeline', this.#given, (before, now) => now >= before));
  }
}

function seqOf(delivery: Delivery | undefined): number | undefined {
  const [, seq] = /^message-(\d+)$/.exec(delivery?.id ?? '') ?? [];
  return seq === undefined ? undefined : Number(seq);
}

function steps(what: string, seqs: readonly number[], inOrder: (before: number, now: number) => boolean): string[] {
  return seqs.flatMap((seq, index) => {
    const before = seqs[index - 1];
    return before === undefined || inOrder(before, seq) ? [] : [`message ${seq} ${what} after message ${before}`];
  });
}
