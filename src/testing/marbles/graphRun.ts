import { EMPTY, Subject, Subscription } from 'rxjs';
import type { Observable } from 'rxjs';
import { EdgeFlowError } from '../../errors.js';
import { currentDelivery } from '../../flow/delivery.js';
import { fromBroker } from '../../flow/fromBroker.js';
import { leasingOperator } from '../../flow/operator.js';
import { toBroker } from '../../flow/toBroker.js';
import { QoS } from '../../qos.js';
import { checkGraph, inputsOf, outputsOf } from '../../system/graph.js';
import type { Graph, GraphNode } from '../../system/graph.js';
import type { NodeOperator } from '../../system/node.js';
import { loadNode } from '../../system/nodeModule.js';
import { operatorStream } from '../../system/operatorStream.js';
import type { MarbleBroker } from './marbleBroker.js';

/** One replica of a node, in this process. */
interface Replica {
  readonly stop: AbortController;
  ended: boolean;
}

/** The nodes of a System, run in one process on one broker. */
export class GraphRun {
  readonly #graph: Graph;
  readonly #broker: MarbleBroker;
  readonly #sources: Readonly<Record<string, Observable<unknown>>>;
  readonly #onFailure: (error: unknown) => void;
  readonly #outputs = new Map<string, Subject<unknown>>();
  readonly #operators = new Map<string, NodeOperator>();
  readonly #replicas = new Map<string, Replica[]>();
  readonly #subscriptions = new Subscription();

  /**
   * @param sources - streams that take the place of nodes.
   * @param onFailure - called when a node fails, which would end its process.
   */
  constructor(
    graph: Graph,
    broker: MarbleBroker,
    sources: Readonly<Record<string, Observable<unknown>>>,
    onFailure: (error: unknown) => void,
  ) {
    checkGraph(graph);
    this.#graph = graph;
    this.#broker = broker;
    this.#sources = sources;
    this.#onFailure = onFailure;
    for (const name of Object.keys(sources)) this.output(name);
  }

  /** What a node gives; completes when all its replicas have ended. */
  output(name: string): Observable<unknown> {
    if (!this.#graph.nodes.has(name))
      throw new EdgeFlowError(
        'GRAPH_INVALID',
        `system '${this.#graph.name}' has no node '${name}'; its nodes are ${[...this.#graph.nodes.keys()].join(', ')}`,
      );
    return this.#outputOf(name).asObservable();
  }

  /** Imports the modules of nodes: takes real time. */
  async prepare(): Promise<void> {
    for (const { name, operator, module } of this.#graph.nodes.values()) {
      const source = this.#sources[name];
      if (source) this.#operators.set(name, () => source);
      else if (operator) this.#operators.set(name, operator);
      else if (module !== undefined) this.#operators.set(name, await loadNode(name, module));
    }
    for (const { name, retain } of this.#graph.nodes.values()) {
      const targets = (qos: QoS): string[] =>
        outputsOf(this.#graph, name)
          .filter((link) => link.qos === qos)
          .map(({ target }) => target);
      await this.#broker.declare({ topic: name, groups: targets(QoS.DURABLE), readers: targets(QoS.REALTIME), retain });
    }
  }

  /** Consumers begin before what they read from. */
  start(): void {
    this.#subscriptions.add(this.#broker.onConsumed(() => void this.#endWhatIsDone()));
    for (const name of checkGraph(this.#graph).reverse()) {
      const node = this.#graph.nodes.get(name);
      if (node) for (let replica = 0; replica < node.replicas; replica++) this.#startReplica(node, replica);
    }
  }

  end(): void {
    this.#subscriptions.unsubscribe();
  }

  #outputOf(name: string): Subject<unknown> {
    let output = this.#outputs.get(name);
    if (!output) this.#outputs.set(name, (output = new Subject<unknown>()));
    return output;
  }

  #startReplica(node: GraphNode, number: number): void {
    const replica: Replica = { stop: new AbortController(), ended: false };
    this.#replicas.set(node.name, [...(this.#replicas.get(node.name) ?? []), replica]);
    const subscribe = (): void => {
      this.#subscriptions.add(
        this.#stream(node, number, replica.stop.signal).subscribe({
          error: (error: unknown) => {
            // A message failed in a synchronous operator: as in a worker, it is given back, and the node subscribed anew.
            if (currentDelivery() && inputsOf(this.#graph, node.name).length > 0) queueMicrotask(subscribe);
            else this.#onFailure(error);
          },
          complete: () => {
            replica.ended = true;
            if (this.#ended(node.name)) this.#outputOf(node.name).complete();
            void this.#endWhatIsDone();
          },
        }),
      );
    };
    subscribe();
  }

  #stream({ name, options }: GraphNode, replica: number, stop: AbortSignal): Observable<unknown> {
    const consumer = `${name}-${replica}`;
    const inputs = Object.fromEntries(
      inputsOf(this.#graph, name).map(({ source, qos, options: { retry, as = source, ...link } }) => [
        as,
        fromBroker(source, qos, { ...link, retry: { jitter: 0, ...retry }, broker: this.#broker, group: name, consumer, stop }),
      ]),
    );
    const operator = this.#operators.get(name) ?? (() => EMPTY);
    const values = operatorStream(operator, { name, replica, options, inputs, signal: stop, show: () => undefined });
    const output = this.#outputOf(name);
    return values.pipe(
      leasingOperator<unknown, unknown>('the end of the node', (next) => ({
        next: (value, lease) => {
          output.next(value);
          next.next(value);
          lease.release();
        },
      })),
      outputsOf(this.#graph, name).length > 0 ? toBroker(name, { broker: this.#broker }) : (end) => end,
    );
  }

  #ended(name: string): boolean {
    return this.#replicas.get(name)?.every(({ ended }) => ended) ?? false;
  }

  /** As the supervisor does: a node ends when what it reads from has ended and it has consumed what that published. */
  async #endWhatIsDone(): Promise<void> {
    const { links } = await this.#broker.ledger(this.#graph.links);
    for (const name of this.#graph.nodes.keys()) {
      const inputs = inputsOf(this.#graph, name);
      if (inputs.length === 0 || !inputs.every(({ source }) => this.#ended(source))) continue;
      if (links.every(({ target, pending }) => target !== name || pending === 0))
        for (const { stop } of this.#replicas.get(name) ?? []) stop.abort();
    }
  }
}
