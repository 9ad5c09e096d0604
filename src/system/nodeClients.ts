import type { Broker, BrokerConfig } from '../brokers/broker.js';
import { connectBroker } from '../brokers/connect.js';
import { BorrowedBroker } from './borrowedBroker.js';

/** Makes the broker clients of the nodes that run in this process: one for each run, as a process of its own would have. */
export class NodeClients {
  readonly #broker: Broker;
  readonly #config: BrokerConfig | undefined;

  constructor(broker: Broker, config: BrokerConfig | undefined) {
    this.#broker = broker;
    this.#config = config;
  }

  /**
   * What a thread connects to by itself: servers. An embedded store is not among it: a thread that is ended within a
   * transaction of lmdb never lets go of its writer lock, and all other threads and processes would wait for ever.
   */
  get remote(): BrokerConfig | undefined {
    return this.#config?.kind === 'embedded' ? undefined : this.#config;
  }

  /** Whether a client has what it receives to itself: with a broker object that lives in one process, all share it. */
  get exclusive(): boolean {
    return this.#config !== undefined;
  }

  async connect(): Promise<Broker> {
    return this.#config ? connectBroker(this.#config) : new BorrowedBroker(this.#broker);
  }
}
