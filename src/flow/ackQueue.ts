import type { Broker, GroupConsumer, Ticket } from '../brokers/broker.js';
import { hasCode } from '../errors.js';

const retryMs = 200;

/** Acks in batches: what settles while one batch is under way makes the next. */
export class AckQueue {
  readonly #broker: Broker;
  readonly #topic: string;
  readonly #consumer: GroupConsumer;
  readonly #onAcked: (count: number) => void;
  #tickets: Ticket[] = [];
  #flushing: Promise<void> | undefined;

  /** @param onAcked - called when tickets were settled at the broker, or found to belong to another consumer by now. */
  constructor(broker: Broker, topic: string, consumer: GroupConsumer, onAcked: (count: number) => void) {
    this.#broker = broker;
    this.#topic = topic;
    this.#consumer = consumer;
    this.#onAcked = onAcked;
  }

  add(ticket: Ticket): void {
    this.#tickets.push(ticket);
    this.#flushing ??= this.#flush();
  }

  /** Resolves when all that was added is acked. */
  async idle(): Promise<void> {
    while (this.#flushing) await this.#flushing;
  }

  async #flush(): Promise<void> {
    // What settles in this turn of the event loop joins the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#tickets.length > 0) {
      const batch = this.#tickets;
      this.#tickets = [];
      await this.#ack(batch);
      this.#onAcked(batch.length);
    }
    this.#flushing = undefined;
  }

  /** A broker that can't be reached for a while holds the acks up; it does not lose them. */
  async #ack(batch: readonly Ticket[]): Promise<void> {
    for (;;) {
      try {
        await this.#broker.ack(this.#topic, this.#consumer, batch);
        return;
      } catch (error) {
        // Unacked messages of a closed or emptied broker are the next consumer's, or nobody's.
        if (hasCode(error, 'BROKER_CLOSED') || hasCode(error, 'TOPIC_UNDECLARED')) return;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }
}
