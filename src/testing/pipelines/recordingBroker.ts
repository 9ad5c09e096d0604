import type {
  AckResult,
  Commit,
  CommitResult,
  DeliveredMessage,
  Failure,
  GroupConsumer,
  PopRequest,
  PushReceipt,
  Ticket,
  WaitOptions,
} from '../../brokers/broker.js';
import { MemoryBroker } from '../../brokers/memory/memoryBroker.js';
import type { OutgoingMessage } from '../../message.js';

/** The topic whose deliveries are recorded. */
export const recordedTopic = 't';

/** How often a delivery was acked, nacked and handed back. */
export interface DeliveryOutcome {
  acked: number;
  nacked: number;
  released: number;
}

/** A broker that keeps account of each delivery of its one input topic, by `position@token`, and of what is published to others. */
export class RecordingBroker extends MemoryBroker {
  readonly outcomes = new Map<string, DeliveryOutcome>();
  /** What was published to other topics, by id. */
  readonly outputs = new Map<string, OutgoingMessage>();
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

  override async push(topic: string, message: OutgoingMessage, options?: WaitOptions): Promise<PushReceipt> {
    const receipt = await super.push(topic, message, options);
    if (topic !== recordedTopic && !receipt.duplicate) this.outputs.set(message.id, message);
    return receipt;
  }

  override async commit(commit: Commit, options?: WaitOptions): Promise<CommitResult> {
    const result = await super.commit(commit, options);
    if (!result.committed) return result;
    for (const ticket of commit.acks.flatMap(({ tickets }) => tickets)) this.#count(ticket, 'acked');
    // An id that is known already adds nothing.
    for (const { message } of commit.messages) if (!this.outputs.has(message.id)) this.outputs.set(message.id, message);
    return result;
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
