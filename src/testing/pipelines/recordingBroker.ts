import type { AckResult, DeliveredMessage, Failure, GroupConsumer, PopRequest, Ticket } from '../../brokers/broker.js';
import { MemoryBroker } from '../../brokers/memory/memoryBroker.js';

/** How often a delivery was acked, nacked and handed back. */
export interface DeliveryOutcome {
  acked: number;
  nacked: number;
  released: number;
}

/** A broker of one topic that keeps account of each delivery, by `position@token`. */
export class RecordingBroker extends MemoryBroker {
  readonly outcomes = new Map<string, DeliveryOutcome>();
  readonly #tokens = new Map<number, number>();
  readonly #seqOfId = new Map<string, number>();

  /** The last delivery of the message at a position. */
  lastDelivery(seq: number): string {
    return `${seq}@${this.#tokens.get(seq) ?? 0}`;
  }

  /** The last delivery of a message, by its id; undefined for an id that is no message's. */
  deliveryOf(id: string | undefined): string | undefined {
    const seq = id === undefined ? undefined : this.#seqOfId.get(id);
    return seq === undefined ? undefined : this.lastDelivery(seq);
  }

  override async pop(topic: string, request: PopRequest): Promise<DeliveredMessage[]> {
    const messages = await super.pop(topic, request);
    for (const { seq, token, id } of messages) {
      this.#tokens.set(seq, token);
      this.#seqOfId.set(id, seq);
      this.outcomes.set(this.lastDelivery(seq), { acked: 0, nacked: 0, released: 0 });
    }
    return messages;
  }

  override ack(topic: string, consumer: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    for (const ticket of tickets) this.#count(ticket, 'acked');
    return super.ack(topic, consumer, tickets);
  }

  override nack(topic: string, consumer: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean> {
    this.#count(ticket, 'nacked');
    return super.nack(topic, consumer, ticket, failure);
  }

  override release(topic: string, consumer: GroupConsumer, seqs: readonly number[] = []): Promise<void> {
    for (const seq of seqs) this.#count({ seq, token: this.#tokens.get(seq) ?? 0 }, 'released');
    return super.release(topic, consumer, seqs);
  }

  #count({ seq, token }: Ticket, column: keyof DeliveryOutcome): void {
    const outcome = this.outcomes.get(`${seq}@${token}`);
    if (!outcome) throw new Error(`message ${seq} was ${column} without a delivery`);
    outcome[column]++;
  }
}
