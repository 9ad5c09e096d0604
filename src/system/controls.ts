import { setTimeout as delay } from 'node:timers/promises';
import { EdgeFlowError } from '../errors.js';
import type { Ledger, LinkLedger } from '../observe/ledger.js';
import type { Replica } from './replica.js';

const pollMs = 50;

/** What the controls of a system act on. */
export interface ControlledSystem {
  readonly nodes: ReadonlyMap<string, readonly Replica[]>;
  readonly ledger: () => Promise<Ledger>;
  /** How long a replica that is restarted may take to settle what it has open. */
  readonly graceMs: number;
}

/** Holds nodes back, and starts them anew, while the rest of the system runs. */
export class Controls {
  readonly #system: ControlledSystem;

  constructor(system: ControlledSystem) {
    this.#system = system;
  }

  async pause(node: string): Promise<void> {
    await Promise.all(this.#live(node).map((replica) => replica.pause()));
  }

  resume(node: string): Promise<void> {
    for (const replica of this.#live(node)) replica.resume();
    return Promise.resolve();
  }

  /** One replica after the other, so that the others go on. */
  async restart(node: string): Promise<void> {
    for (const replica of this.#live(node)) await replica.restart(this.#system.graceMs);
  }

  /** Waits until all that was published so far is settled or passed over, then pauses. A resume ends the wait. */
  async drain(node: string): Promise<void> {
    const replicas = this.#live(node);
    for (const replica of replicas) replica.drain();
    const goals = new Map((await this.#inputs(node)).map(({ source, published }) => [source, published]));
    const draining = (): boolean => replicas.some((replica) => replica.draining && !replica.ended);
    while (draining()) {
      const inputs = await this.#inputs(node);
      if (inputs.every((link) => link.published - link.pending >= (goals.get(link.source) ?? 0))) break;
      await delay(pollMs);
    }
    if (draining()) await this.pause(node);
  }

  async #inputs(node: string): Promise<LinkLedger[]> {
    return (await this.#system.ledger()).links.filter(({ target }) => target === node);
  }

  #live(node: string): readonly Replica[] {
    const replicas = this.#system.nodes.get(node);
    if (!replicas)
      throw new EdgeFlowError('GRAPH_INVALID', `there is no node '${node}'; expected one of ${[...this.#system.nodes.keys()].join(', ')}`);
    if (replicas.every(({ ended }) => ended)) throw new EdgeFlowError('NODE_ENDED', `node '${node}' has ended; run the system again`);
    return replicas;
  }
}
