import { defer, finalize, identity, ignoreElements, Subject, takeUntil } from 'rxjs';
import type { MonoTypeOperatorFunction, Observable, Subscription } from 'rxjs';
import type { Broker } from '../brokers/broker.js';
import { currentDelivery } from '../flow/delivery.js';
import type { Gate } from '../flow/gate.js';
import { gatedSource } from '../flow/gatedSource.js';
import { fromBroker } from '../flow/fromBroker.js';
import { leasingOperator } from '../flow/operator.js';
import { observe, runtime, subscriptionsClosed } from '../flow/runtime.js';
import type { DeliveryObserver } from '../flow/runtime.js';
import { toBroker } from '../flow/toBroker.js';
import { codeOf, describeError } from '../errors.js';
import { LinkMeter } from '../observe/linkMeter.js';
import { Tracer } from '../observe/tracer.js';
import type { Telemetry } from '../observe/telemetry.js';
import type { QoS } from '../qos.js';
import type { LinkOptions } from './graph.js';
import type { LogFields } from './log.js';
import type { NodeOperator } from './node.js';
import { operatorStream } from './operatorStream.js';
import type { WorkerPlan, WorkerReport } from './protocol.js';

/** How long a stream of a node's own (an interval, say) may go on after its inputs have completed. */
const lingerMs = 1_000;

/** When an input that nobody has subscribed is reported. */
const unreadAfterMs = 5_000;

const longestNote = 500;

/** What a {@link NodeRunner} runs with. */
export interface NodeSurroundings {
  /** Aborted: take no more, settle, end. */
  readonly stop: AbortSignal;
  /** Holds the node back while it is paused. */
  readonly gate: Gate;
  readonly log: (line: string, fields?: LogFields) => void;
  /** Makes spans of deliveries; undefined where nobody collects them. */
  readonly telemetry: Telemetry | undefined;
}

/** Runs one replica of a node: its inputs, its operator, its output. */
export class NodeRunner {
  readonly #plan: WorkerPlan;
  readonly #operator: NodeOperator;
  readonly #broker: Broker;
  readonly #log: (line: string, fields?: LogFields) => void;
  readonly #stop: AbortSignal;
  readonly #gate: Gate;
  readonly #telemetry: Telemetry | undefined;
  readonly #tracer: Tracer;
  readonly #meters = new Map<string, LinkMeter>();
  /** Inputs that are being read. */
  #live = 0;
  #published = 0;
  #note: string | undefined;
  /** Whether something has happened since the last report. */
  #news = true;
  #onNews = (): void => undefined;
  #subscription: Subscription | undefined;
  #cutOff = false;

  /** @param broker - a client that no other node uses. */
  constructor(plan: WorkerPlan, operator: NodeOperator, broker: Broker, { stop, gate, log, telemetry }: NodeSurroundings) {
    this.#plan = plan;
    this.#operator = operator;
    this.#broker = broker;
    this.#stop = stop;
    this.#log = log;
    this.#gate = gate;
    this.#telemetry = telemetry;
    this.#tracer = new Tracer(plan.traceSample);
    runtime.gates.set(broker, gate);
    observe(broker, this.#observer());
    for (const { source } of plan.inputs) this.#meters.set(source, new LinkMeter());
  }

  /** Whether nothing leads to it. */
  get isSource(): boolean {
    return this.#plan.inputs.length === 0;
  }

  /** Whether a report would tell other than the last one, or is waited for: deliveries wait for input that may never come. */
  get hasNews(): boolean {
    return this.#news || [...this.#meters.values()].some((meter) => meter.waiting);
  }

  /** Calls back when something happens for the first time since a report. */
  set onNews(callback: () => void) {
    this.#onNews = callback;
  }

  report(): WorkerReport {
    this.#news = false;
    const { user, system } = process.cpuUsage();
    return {
      inputs: Object.fromEntries([...this.#meters].map(([source, meter]) => [source, meter.counts()])),
      published: this.#published,
      note: this.#note,
      rss: process.memoryUsage.rss(),
      cpuMs: (user + system) / 1_000,
      trace: this.#tracer.report(),
    };
  }

  /**
   * Runs until the node's stream has completed and all is settled.
   *
   * An error that a message caused on its way through synchronous operators fails that message, and the node's
   * operators are subscribed anew; any other error is thrown.
   *
   * @returns false where the stream was cut off.
   */
  async run(): Promise<boolean> {
    for (;;) {
      const outcome = this.#cutOff ? 'cut off' : await this.#subscribe();
      if (outcome === 'cut off') return false;
      await subscriptionsClosed(this.#broker);
      if (outcome === 'completed') return true;
      this.#log(`a message failed in a synchronous operator, whose state is lost: ${describeError(outcome.error)}`, {
        level: 'warn',
        code: codeOf(outcome.error),
      });
    }
  }

  /** Cuts the stream off, and one that `run` were to begin. */
  unsubscribe(): void {
    this.#cutOff = true;
    this.#subscription?.unsubscribe();
  }

  #subscribe(): Promise<'completed' | 'cut off' | { readonly error: unknown }> {
    return new Promise((resolve, reject) => {
      const stopped = new Subject<void>();
      const subscription = this.#stream(stopped).subscribe({
        error: (error: unknown) => {
          const delivery = this.isSource ? undefined : currentDelivery();
          if (delivery) resolve({ error });
          else reject(error instanceof Error ? error : new Error(String(error)));
        },
        complete: () => {
          resolve('completed');
        },
      });
      const onStop = (): void => {
        // A source ends at once; what it has published is confirmed before the stream completes.
        if (this.isSource) stopped.next();
        else
          void this.#lingered(() => {
            stopped.next();
          });
      };
      if (this.#stop.aborted) onStop();
      else this.#stop.addEventListener('abort', onStop, { once: true });
      this.#subscription = subscription;
      subscription.add(() => {
        this.#stop.removeEventListener('abort', onStop);
        // Counts where it has neither completed nor failed.
        resolve('cut off');
      });
    });
  }

  #stream(stopped: Observable<void>): Observable<never> {
    const { node, replica, options, inputs: links, output, consumer } = this.#plan;
    const broker = this.#broker;
    const unread = new Set(links.map(({ source }) => source));
    const read = (source: string, qos: QoS, link: Omit<LinkOptions, 'as'>): Observable<unknown> =>
      defer(() => {
        unread.delete(source);
        this.#live++;
        return fromBroker(source, qos, { ...link, broker, group: node, consumer, stop: this.#stop }).pipe(finalize(() => this.#live--));
      });
    const inputs = Object.fromEntries(links.map(({ source, qos, options: { as = source, ...link } }) => [as, read(source, qos, link)]));
    const lookForUnread = setTimeout(() => {
      for (const source of unread)
        this.#log(`it does not read its input '${source}', whose messages pile up; read it or remove the link`, { level: 'warn' });
    }, unreadAfterMs);
    lookForUnread.unref();
    const show = (note: string): void => {
      this.#note = note.slice(0, longestNote);
      this.#tell();
    };
    const values = operatorStream(this.#operator, { name: node, replica, options, inputs, signal: this.#stop, show });
    const end = output === undefined ? checkScope() : toBroker(output, { broker, outbox: true });
    const held = this.isSource
      ? gatedSource<unknown>(this.#gate, (count) => {
          this.#log(`${count} values of its source came while it was paused and are lost: the source cannot be held back`, {
            level: 'warn',
          });
        })
      : identity<Observable<unknown>>;
    return values.pipe(
      held,
      takeUntil(stopped),
      end,
      ignoreElements(),
      finalize(() => clearTimeout(lookForUnread)),
    );
  }

  /** After the inputs have completed, gives streams of the node's own a moment to complete too. */
  async #lingered(end: () => void): Promise<void> {
    while (this.#live > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    setTimeout(end, lingerMs).unref();
  }

  #observer(): DeliveryObserver {
    const telemetry = this.#telemetry;
    return {
      begins: (start) => {
        const end = this.#tracer.begin(start);
        const span = telemetry?.delivery(start);
        if (!end && !span) return undefined;
        return {
          traceparent: span?.traceparent,
          run: span?.run,
          ended: (failed) => {
            this.#tell();
            end?.(failed !== undefined);
            span?.ended(failed);
          },
        };
      },
      skipped: ({ topic }, count, reason, before) => {
        this.#meter(topic)?.skipped(count, reason);
        if (before !== undefined) this.#tracer.skipped({ topic, first: before - count, last: before - 1, time: Date.now(), reason });
      },
      publishes: telemetry && ((topic, id) => telemetry.publication(topic, id)),
      parked: ({ topic }, change) => this.#meter(topic)?.parked(change),
      delivered: ({ topic }, ageMs) => this.#meter(topic)?.delivered(ageMs),
      failed: ({ topic }, error, outcome, id) => {
        this.#meter(topic)?.failed();
        const level = outcome === 'dead-lettered' ? 'error' : 'warn';
        this.#log(`a message of '${topic}' failed and was ${outcome}: ${describeError(error)}`, { level, topic, id, code: codeOf(error) });
      },
      published: (topic) => {
        if (topic !== this.#plan.output) return;
        this.#published++;
        this.#tell();
      },
    };
  }

  /** Where something that happens to an input is counted. */
  #meter(source: string): LinkMeter | undefined {
    this.#tell();
    return this.#meters.get(source);
  }

  #tell(): void {
    if (this.#news) return;
    this.#news = true;
    this.#onNews();
  }
}

/** The end of a sink: finds values that escaped their delivery, as `toBroker` does for other nodes. */
function checkScope<T>(): MonoTypeOperatorFunction<T> {
  return leasingOperator<T, T>('the end of the node', (output) => ({
    next: (value, lease) => {
      output.next(value);
      lease.release();
    },
  }));
}
