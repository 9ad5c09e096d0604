import type { Broker } from '../brokers/broker.js';
import { errorMessage } from '../errors.js';
import { QoS } from '../qos.js';
import { inputsOf, shadowsOf } from './graph.js';
import type { Graph, GraphLink } from './graph.js';

/** How long a start waits for shadows, whose models may be slow to load. */
const startMs = 5_000;
/** How long shadows may go on with what waits for them when all that is live has ended. */
const drainMs = 1_000;
/** How long they may then take to end. */
const endMs = 2_000;

/** The nodes of a system that only look on. None of them is waited for longer than it is said here. */
export class Shadows {
  /** All links of the system; `shadow` is set for those that lead to shadows. */
  readonly links: readonly GraphLink[];
  readonly #graph: Graph;
  readonly #nodes: ReadonlySet<string>;
  readonly #broker: Broker;
  readonly #log: (node: string, line: string) => void;
  readonly #startBy = performance.now() + startMs;
  #aloneSince = Infinity;

  constructor(graph: Graph, broker: Broker, log: (node: string, line: string) => void) {
    this.#graph = graph;
    this.#nodes = shadowsOf(graph);
    this.#broker = broker;
    this.#log = log;
    this.links = graph.links.map((link) => (this.#nodes.has(link.target) ? { ...link, shadow: true } : link));
  }

  has(node: string): boolean {
    return this.#nodes.has(node);
  }

  /** Whether the start goes on without those that are not ready. */
  get late(): boolean {
    return performance.now() > this.#startBy;
  }

  /** Nothing but shadows is left. */
  alone(): void {
    this.#aloneSince = Math.min(this.#aloneSince, performance.now());
  }

  /** Whether they are to end now, with what they have open. */
  get hurried(): boolean {
    return performance.now() > this.#aloneSince + drainMs;
  }

  /** Whether they were to have ended. */
  get overdue(): boolean {
    return performance.now() > this.#aloneSince + drainMs + endMs;
  }

  /** Frees what DURABLE links between shadows hold: nobody is to find it in the way. */
  async free(nodes: Iterable<string> = this.#nodes): Promise<void> {
    for (const node of nodes) {
      for (const { source, qos } of inputsOf(this.#graph, node)) {
        if (qos !== QoS.DURABLE) continue;
        try {
          const left = await this.#broker.dropGroup(source, node);
          if (left > 0) this.#log(node, `${left} messages of '${source}' that this shadow had not settled are discarded`);
        } catch (error) {
          this.#log(node, `what '${source}' holds for this shadow could not be freed: ${errorMessage(error)}`);
        }
      }
    }
  }
}
