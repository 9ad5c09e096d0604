import type { Broker, GroupConsumer, Ticket } from '../brokers/broker.js';
import { insist } from './insist.js';

/** Acks in batches: what settles while one batch is under way makes the next. */
export class AckQueue {
  readonly #broker: Broker;
  readonly #topic: string;
  readonly #consumer: GroupConsumer;
  readonly #closing: AbortSignal;
  readonly #onAcked: (count: number) => void;
  #tickets: Ticket[] = [];
  #flushing = false;

  /**
   * @param closing - aborted: an ack that fails is not tried again.
   * @param onAcked - called when tickets were settled at the broker, or found to belong to another consumer by now.
   */
  constructor(broker: Broker, topic: string, { group, consumer }: GroupConsumer, closing: AbortSignal, onAcked: (count: number) => void) {
    this.#broker = broker;
    this.#topic = topic;
    this.#consumer = { group, consumer };
    this.#closing = closing;
    this.#onAcked = onAcked;
  }

  /** Acks this ticket with the next batch. */
  add(ticket: Ticket): void {
    this.#tickets.push(ticket);
    if (!this.#flushing) void this.#flush();
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    // What settles in this turn of the event loop joins the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#tickets.length > 0) {
      const batch = this.#tickets;
      this.#tickets = [];
      await insist(() => this.#broker.ack(this.#topic, this.#consumer, batch), this.#closing);
      this.#onAcked(batch.length);
    }
    this.#flushing = false;
  }
}
