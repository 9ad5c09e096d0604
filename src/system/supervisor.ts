import type { Broker, DeadLetter, DeadLetterOptions, TopicStats } from '../brokers/broker.js';
import { deferred } from '../deferred.js';
import { EdgeFlowError, errorMessage } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { drawLedger } from '../observe/ledger.js';
import type { Ledger } from '../observe/ledger.js';
import type { ReceivedMessage } from '../message.js';
import { QoS } from '../qos.js';
import { checkGraph, fingerprint, inputsOf, outputsOf } from './graph.js';
import type { Graph, GraphNode } from './graph.js';
import { logLine } from './log.js';
import { Replica } from './replica.js';
import type { NodeStatus } from './replica.js';
import type { RunningSystem, RunOptions, SystemGraph, SystemResult } from './runningSystem.js';
import type { StartChild } from './startChild.js';
import { startSweeping } from './sweeping.js';

const defaultDrainMs = 10_000;
const pollMs = 100;

/**
 * Runs the nodes of a system: consumers before sources, restarts, and an orderly end. A node ends when all that it
 * reads from has ended and it has consumed what they published, so that a stop loses nothing and leaves nothing behind.
 */
export class Supervisor implements RunningSystem {
  readonly #graph: Graph;
  readonly #broker: Broker;
  readonly #options: RunOptions;
  readonly #nodes: ReadonlyMap<string, readonly Replica[]>;
  readonly #order: readonly string[];
  readonly #finish = deferred<SystemResult>();
  readonly done = this.#finish.promise;
  #failure: EdgeFlowError | undefined;
  #finalLedger: Ledger | undefined;
  #stopRequested = false;
  #killed = false;
  #wake: (() => void) | undefined;
  #deadline = Infinity;

  constructor(graph: Graph, broker: Broker, startChild: StartChild, options: RunOptions) {
    this.#graph = graph;
    this.#broker = broker;
    this.#options = options;
    this.#order = checkGraph(graph);
    const hash = fingerprint(graph);
    this.#nodes = new Map([...graph.nodes.values()].map((node) => [node.name, this.#newReplicas(node, startChild, hash)]));
    // Callers may look at `done` late; a rejection is not unhandled for that.
    this.done.catch(() => undefined);
  }

  /** Starts all nodes; resolves when consumers are ready and sources were told to begin. */
  async start(): Promise<void> {
    for (const name of [...this.#order].reverse()) for (const replica of this.#replicas(name)) replica.start();
    if (this.#options.handleSignals ?? true) this.#handleSignals();
    this.#sweep();
    while (!this.#stopRequested && !this.#failure && this.#all().some(({ state }) => state === 'starting')) await this.#changed();
    for (const name of this.#order) for (const replica of this.#replicas(name)) replica.go();
    void this.#superviseEnd();
    // What is wrong with a node from the start is the caller's to catch.
    if (this.#failure) await this.done;
  }

  async stop(): Promise<void> {
    if (!this.#stopRequested) {
      this.#stopRequested = true;
      this.#deadline = performance.now() + (this.#options.drainMs ?? defaultDrainMs);
      this.#wake?.();
    }
    await this.done.catch(() => undefined);
  }

  async ledger(): Promise<Ledger> {
    // After the end the broker is closed.
    return this.#finalLedger ?? drawLedger(this.#graph.links, await this.#broker.stats());
  }

  status(): readonly NodeStatus[] {
    return this.#all();
  }

  get name(): string {
    return this.#graph.name;
  }

  graph(): SystemGraph {
    const { name, nodes, links } = this.#graph;
    return {
      name,
      nodes: [...nodes.values()].map((node) => ({
        name: node.name,
        replicas: node.replicas,
        isolation: node.isolation ?? this.#options.isolation ?? 'process',
        inputs: inputsOf(this.#graph, node.name).map(({ source }) => source),
        topic: outputsOf(this.#graph, node.name).length > 0 || inputsOf(this.#graph, node.name).length === 0,
      })),
      links: links.map(({ source, target, qos }) => ({ source, target, qos })),
    };
  }

  topics(): Promise<TopicStats[]> {
    return this.#broker.stats();
  }

  deadLetters(topic: string, options?: DeadLetterOptions): Promise<DeadLetter[]> {
    return this.#broker.deadLetters(topic, options);
  }

  redrive(topic: string, letters: readonly number[]): Promise<number> {
    return this.#broker.redrive(topic, letters);
  }

  dropDeadLetters(topic: string, letters: readonly number[]): Promise<number> {
    return this.#broker.dropDeadLetters(topic, letters);
  }

  async *watch(topic: string, { signal }: { readonly signal: AbortSignal }): AsyncIterable<ReceivedMessage> {
    const reader = 'watch';
    await this.#broker.declare({ topic, readers: [reader] });
    while (!signal.aborted) {
      const message = await this.#broker.popLatest(topic, { reader, consumer: reader, waitMs: 1_000, signal });
      if (message) yield message;
    }
  }

  #all(): NodeStatus[] {
    return [...this.#nodes.values()].flat().map((replica) => replica.status());
  }

  #replicas(name: string): readonly Replica[] {
    return this.#nodes.get(name) ?? [];
  }

  #newReplicas(node: GraphNode, startChild: StartChild, hash: string): Replica[] {
    const { name, module, options, replicas, maxRestarts } = node;
    const inputs = inputsOf(this.#graph, name).map(({ source, qos, options: link }) => ({ source, qos, options: link }));
    const published = outputsOf(this.#graph, name).length > 0 || inputs.length === 0;
    return Array.from({ length: replicas }, (_, replica) => {
      const plan = {
        system: this.#graph.name,
        node: name,
        replica,
        consumer: `${name}-${replica}`,
        module,
        entry: this.#options.entry,
        argv: process.argv.slice(2),
        fingerprint: hash,
        options,
        inputs,
        output: published ? name : undefined,
      };
      const label = replicas > 1 ? plan.consumer : name;
      return new Replica(plan, maxRestarts, (events) => startChild(node, plan, events), {
        onLog: (line) => {
          this.#log(label, line);
        },
        onChange: (state, failure) => {
          if (state === 'failed' && failure) this.#gaveUp(label, maxRestarts, failure);
          this.#wake?.();
        },
      });
    });
  }

  #log(name: string, line: string): void {
    logLine(this.#options, name, line);
  }

  #gaveUp(node: string, maxRestarts: number, failure: { readonly code: string | undefined; readonly message: string }): void {
    this.#failure ??= failure.code
      ? new EdgeFlowError(failure.code as ErrorCode, `node '${node}': ${failure.message}`)
      : new EdgeFlowError(
          'NODE_GAVE_UP',
          `node '${node}' crashed and was restarted ${maxRestarts} times in a row, at last because ${failure.message}`,
        );
    void this.stop();
  }

  /** Ends nodes in the order of the graph, each when there is nothing left for it. */
  async #superviseEnd(): Promise<void> {
    try {
      for (;;) {
        for (const name of this.#order) if (await this.#mayEnd(name)) for (const replica of this.#replicas(name)) replica.stop();
        if (this.#all().every(({ state }) => state === 'done' || state === 'failed')) break;
        if (performance.now() > this.#deadline) this.#killRest();
        await Promise.race([this.#changed(), new Promise((resolve) => setTimeout(resolve, pollMs))]);
      }
      const ledger = (this.#finalLedger = await this.ledger());
      await this.#broker.close();
      if (this.#failure) this.#finish.reject(this.#failure);
      else this.#finish.resolve({ ledger });
    } catch (error) {
      this.#killRest();
      await this.#broker.close().catch((closing: unknown) => {
        this.#log('broker', errorMessage(closing));
      });
      this.#finish.reject(this.#failure ?? (error instanceof Error ? error : new Error(String(error))));
    }
  }

  async #mayEnd(name: string): Promise<boolean> {
    const replicas = this.#replicas(name);
    if (replicas.every(({ ended }) => ended)) return false;
    const inputs = inputsOf(this.#graph, name);
    if (inputs.length === 0) return this.#stopRequested;
    if (!inputs.every(({ source }) => this.#replicas(source).every(({ ended }) => ended))) return false;
    if (performance.now() > this.#deadline || this.#failure) return true;
    const { links } = await this.ledger();
    return links.every(({ target, pending, qos }) => target !== name || pending === 0 || (this.#stopRequested && qos === QoS.REALTIME));
  }

  #killRest(): void {
    if (this.#killed) return;
    this.#killed = true;
    for (const replica of [...this.#nodes.values()].flat()) {
      if (replica.ended) continue;
      this.#log(replica.plan.consumer, 'did not end in time and is killed');
      replica.kill();
    }
  }

  #sweep(): void {
    const end = startSweeping(this.#broker, { atOnce: this.#options.resume ?? false }, (line) => {
      this.#log(this.#graph.name, line);
    });
    void this.done.catch(() => undefined).finally(end);
  }

  #handleSignals(): void {
    const onSignal = (): void => {
      if (this.#stopRequested) this.#killRest();
      else void this.stop();
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
    void this.done
      .catch(() => undefined)
      .finally(() => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
      });
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
