import type { AckResult, Broker, Failure, GroupConsumer, LatestMessage, PopLatestRequest, Ticket } from '../../brokers/broker.js';
import { MemoryBroker } from '../../brokers/memory/memoryBroker.js';
import { drawLedger } from '../../observe/ledger.js';
import type { Ledger } from '../../observe/ledger.js';

type Links = Parameters<typeof drawLedger>[0];

/** A broker that says when messages have been consumed, so that streams can end at the moment at which all were. */
export class MarbleBroker extends MemoryBroker implements Broker {
  readonly #listeners = new Set<() => void>();

  /** Calls back after each change of what has been consumed; returns the end of it. */
  onConsumed(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async ledger(links: Links): Promise<Ledger> {
    return drawLedger(links, await this.stats());
  }

  override async ack(topic: string, consumer: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    const result = await super.ack(topic, consumer, tickets);
    this.#tell();
    return result;
  }

  override async nack(topic: string, consumer: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean> {
    const result = await super.nack(topic, consumer, ticket, failure);
    this.#tell();
    return result;
  }

  override async popLatest(topic: string, request: PopLatestRequest): Promise<LatestMessage | undefined> {
    const message = await super.popLatest(topic, request);
    if (message) this.#tell();
    return message;
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
