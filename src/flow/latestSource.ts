import type { Subscriber } from 'rxjs';
import type { Broker } from '../brokers/broker.js';
import { decodeValue } from '../codec.js';
import type { ReceivedMessage } from '../message.js';
import { QoS } from '../qos.js';
import { validate } from '../topic.js';
import type { Topic } from '../topic.js';
import { deliver } from './delivery.js';
import { runtime } from './runtime.js';

const popWaitMs = 1_000;

export interface LatestSourceOptions {
  readonly group: string;
  readonly consumer: string;
  readonly concurrency: number;
  readonly stop: AbortSignal | undefined;
}

/** The REALTIME side of `fromBroker`: takes the newest message whenever fewer than `concurrency` deliveries are open. */
export class LatestSource<T> {
  readonly #broker: Broker;
  readonly #topic: Topic<T>;
  readonly #options: LatestSourceOptions;
  readonly #output: Subscriber<T>;
  readonly #abort = new AbortController();
  #open = 0;
  #wake: (() => void) | undefined;

  constructor(broker: Broker, topic: Topic<T>, options: LatestSourceOptions, output: Subscriber<T>) {
    this.#broker = broker;
    this.#topic = topic;
    this.#options = options;
    this.#output = output;
    options.stop?.addEventListener('abort', () => {
      this.#abort.abort();
      this.#wake?.();
    });
  }

  async run(): Promise<void> {
    const { group, consumer, concurrency, stop } = this.#options;
    this.#output.add(() => {
      this.#abort.abort();
      this.#wake?.();
    });
    try {
      await this.#broker.declare({ topic: this.#topic.name, readers: [group] });
      while (!this.#output.closed && !stop?.aborted) {
        if (this.#open >= concurrency) {
          await this.#changed();
          continue;
        }
        const message = await this.#broker.popLatest(this.#topic.name, {
          reader: group,
          consumer,
          waitMs: popWaitMs,
          signal: this.#abort.signal,
        });
        if (message) await this.#emit(message);
      }
      while (!this.#output.closed && this.#open > 0) await this.#changed();
      this.#output.complete();
    } catch (error) {
      this.#output.error(error);
    }
  }

  async #emit(message: ReceivedMessage): Promise<void> {
    const link = { topic: this.#topic.name, group: this.#options.group, qos: QoS.REALTIME };
    let value: T;
    try {
      value = decodeValue(message) as T;
      if (this.#topic.schema) value = await validate(this.#topic, value);
    } catch (error) {
      runtime.observer?.failed(link, error, 'dropped');
      return;
    }
    runtime.observer?.delivered(link, Math.max(0, Date.now() - message.time));
    this.#open++;
    deliver(
      {
        id: message.id,
        onSettled: ({ failed }) => {
          this.#open--;
          runtime.observer?.settled(link);
          if (failed) runtime.observer?.failed(link, failed.error, 'dropped');
          this.#wake?.();
        },
      },
      () => {
        this.#output.next(value);
      },
    );
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
