import { Observable, Subscription } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { fromBroker } from '../../flow/fromBroker.js';
import type { FromBrokerOptions } from '../../flow/fromBroker.js';
import { runtime, subscriptionsClosed } from '../../flow/runtime.js';
import { toBroker } from '../../flow/toBroker.js';
import type { Ledger } from '../../observe/ledger.js';
import { QoS } from '../../qos.js';
import type { System } from '../../system/system.js';
import { GraphRun } from './graphRun.js';
import { MarbleBroker } from './marbleBroker.js';
import { coldOf, compareEvents, parseMarbles } from './marbles.js';
import type { MarbleEvent, MarbleValues } from './marbles.js';
import { VirtualClock } from './virtualClock.js';

/** Options of {@link runMarbles}. */
export interface MarbleOptions {
  /** Virtual time after which all is unsubscribed, in milliseconds. @defaultValue 10000 */
  readonly forMs?: number;
}

/** What is expected of one stream. */
export interface MarbleExpectation {
  /**
   * @param marbles - in the syntax of RxJS's `TestScheduler.run`: a character is a millisecond.
   * @param values - by letter. @defaultValue the letters themselves
   * @param error - of `#`. @defaultValue 'error'
   */
  toBe(marbles: string, values?: MarbleValues<unknown>, error?: unknown): void;
}

/** How a topic is read; the broker, the names and the stop are the helper's. */
export type MarbleLink = Pick<FromBrokerOptions, 'prefetch' | 'concurrency' | 'retry'>;

/** Options of {@link MarbleTools.system}. */
export interface MarbleSystemOptions {
  /** Streams that take the place of nodes, by their names; of sources, usually. */
  readonly sources?: Readonly<Record<string, Observable<unknown>>>;
  /** Path of the entry module, which paths of nodes are relative to. @defaultValue the working directory */
  readonly entry?: string;
}

/** A System in virtual time. */
export interface MarbleSystem {
  /** What a node gives, before it is published; completes when the node has ended. */
  output(node: string): Observable<unknown>;
  /** What became of the messages of each link, up to now; after `runMarbles`, in the end. */
  ledger(): Promise<Ledger>;
}

/** What the callback of {@link runMarbles} gets. */
export interface MarbleTools {
  /** A stream that begins when it is subscribed. */
  readonly cold: <T = string>(marbles: string, values?: MarbleValues<T>, error?: unknown) => Observable<T>;
  /** Publishes what comes in, and reads it back as DURABLE, through an operator. Completes when all is acked or dead. */
  readonly durable: <In, Out>(operator: OperatorFunction<In, Out>, link?: MarbleLink) => OperatorFunction<In, Out>;
  /** Publishes what comes in, and reads it back as REALTIME, through an operator. */
  readonly realtime: <In, Out>(operator: OperatorFunction<In, Out>, link?: MarbleLink) => OperatorFunction<In, Out>;
  /** Runs the nodes of a System, inline or of modules, in this process. */
  readonly system: (system: System, options?: MarbleSystemOptions) => MarbleSystem;
  /** Subscribes at time 0, and compares what comes when the run is over. */
  readonly expectObservable: (stream: Observable<unknown>) => MarbleExpectation;
}

/**
 * Runs pipelines and Systems on a `MemoryBroker` in virtual time, as RxJS's `TestScheduler.run` does for plain operators.
 *
 * Timers, RxJS's schedulers, retries and the broker's waits all go by the virtual clock, in the whole process, until the
 * returned promise settles. Nothing waits, and code takes no time: only timers do. Work in real time (files, sockets,
 * worker threads, `node:timers/promises`) does not belong here.
 *
 * @param test - describes inputs and expectations; what it expects is compared after it has returned.
 * @throws Error with what was expected and what came; the error of a node that failed.
 * @example
 * ```ts
 * test('a slow detector skips to the newest', () =>
 *   runMarbles(({ cold, realtime, expectObservable }) => {
 *     const slow = mapAsync((frame: string) => lastValueFrom(timer(3).pipe(map(() => frame))));
 *     expectObservable(cold('abcdef|').pipe(realtime(slow))).toBe('---a--d--(f|)');
 *   }));
 * ```
 */
export async function runMarbles(test: (tools: MarbleTools) => void, { forMs = 10_000 }: MarbleOptions = {}): Promise<void> {
  const run = new MarbleRun();
  test(run);
  await run.run(forMs);
}

class MarbleRun implements MarbleTools {
  readonly #clock = new VirtualClock();
  readonly #broker = new MarbleBroker();
  readonly #graphs: GraphRun[] = [];
  readonly #expected: { readonly stream: Observable<unknown>; readonly came: MarbleEvent[]; compare: () => void }[] = [];
  readonly #failures: unknown[] = [];
  #topics = 0;

  readonly cold = <T = string>(marbles: string, values?: MarbleValues<T>, error?: unknown): Observable<T> =>
    coldOf<T>(parseMarbles(marbles, values, error));

  readonly durable = <In, Out>(operator: OperatorFunction<In, Out>, link?: MarbleLink): OperatorFunction<In, Out> =>
    this.#through(QoS.DURABLE, operator, link);

  readonly realtime = <In, Out>(operator: OperatorFunction<In, Out>, link?: MarbleLink): OperatorFunction<In, Out> =>
    this.#through(QoS.REALTIME, operator, link);

  readonly system = (system: System, { sources = {}, entry }: MarbleSystemOptions = {}): MarbleSystem => {
    const graph = system.graph(entry);
    const run = new GraphRun(graph, this.#broker, sources, (error) => this.#failures.push(error));
    this.#graphs.push(run);
    return { output: (node) => run.output(node), ledger: () => this.#broker.ledger(graph.links) };
  };

  readonly expectObservable = (stream: Observable<unknown>): MarbleExpectation => {
    const came: MarbleEvent[] = [];
    const compare = (): void => {
      throw new Error('expectObservable(…) needs a .toBe(…)');
    };
    const expectation = { stream, came, compare };
    this.#expected.push(expectation);
    return {
      toBe: (marbles, values, error) => {
        const expected = parseMarbles(marbles, values, error);
        expectation.compare = () => {
          compareEvents(came, expected, marbles);
        };
      },
    };
  };

  async run(forMs: number): Promise<void> {
    for (const graph of this.#graphs) await graph.prepare();
    const subscriptions = new Subscription();
    // Nodes find the system's broker, as in a worker, in operators without options.
    const before = runtime.broker;
    if (this.#graphs.length > 0) runtime.broker = this.#broker;
    this.#clock.install();
    try {
      for (const { stream, came } of this.#expected) subscriptions.add(this.#record(stream, came));
      for (const graph of this.#graphs) graph.start();
      await this.#clock.runUntil(forMs);
    } finally {
      subscriptions.unsubscribe();
      for (const graph of this.#graphs) graph.end();
      this.#clock.uninstall();
      await subscriptionsClosed();
      runtime.broker = before;
    }
    if (this.#failures.length > 0) throw this.#failures[0];
    for (const { compare } of this.#expected) compare();
  }

  #record(stream: Observable<unknown>, came: MarbleEvent[]): Subscription {
    const at = (): number => this.#clock.now;
    return stream.subscribe({
      next: (value) => came.push({ atMs: at(), kind: 'next', value }),
      error: (error: unknown) => came.push({ atMs: at(), kind: 'error', error }),
      complete: () => came.push({ atMs: at(), kind: 'complete' }),
    });
  }

  #through<In, Out>(qos: QoS, operator: OperatorFunction<In, Out>, { retry, ...link }: MarbleLink = {}): OperatorFunction<In, Out> {
    return (source) =>
      new Observable<Out>((output) => {
        const broker = this.#broker;
        const topic = `marbles-${++this.#topics}`;
        const names = { source: topic, target: 'group', qos };
        const stop = new AbortController();
        let published = false;
        const endIfConsumed = async (): Promise<void> => {
          if (!published) return;
          const { links } = await broker.ledger([names]);
          if (links.every(({ pending }) => pending === 0)) stop.abort();
        };
        output.add(broker.onConsumed(() => void endIfConsumed()));
        const start = async (): Promise<void> => {
          await broker.declare({ topic, ...(qos === QoS.DURABLE ? { groups: ['group'] } : { readers: ['group'] }) });
          if (output.closed) return;
          const options = { ...link, retry: { jitter: 0, ...retry }, broker, group: 'group', consumer: topic, stop: stop.signal };
          output.add(fromBroker<In>(topic, qos, options).pipe(operator).subscribe(output));
          output.add(
            source.pipe(toBroker(topic, { broker })).subscribe({
              error: (error: unknown) => output.error(error),
              complete: () => {
                published = true;
                void endIfConsumed();
              },
            }),
          );
        };
        void start();
      });
  }
}
