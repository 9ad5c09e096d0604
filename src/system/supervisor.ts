import type { Broker, DeadLetter, DeadLetterOptions, TopicStats } from '../brokers/broker.js';
import { topicUndeclared } from '../brokers/options.js';
import { deferred } from '../deferred.js';
import { codeOf, EdgeFlowError, errorMessage } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { drawLedger } from '../observe/ledger.js';
import type { Ledger } from '../observe/ledger.js';
import { addSkips, noSkips } from '../observe/skips.js';
import type { SkipCounts } from '../observe/skips.js';
import type { TraceStep } from '../observe/trace.js';
import { checkTraceQuery } from '../observe/checkTraceQuery.js';
import { TraceStore } from '../observe/traceStore.js';
import type { TraceQuery, TraceSummary } from '../observe/traceStore.js';
import { QoS } from '../qos.js';
import { Controls } from './controls.js';
import { checkGraph, fingerprint, inputsOf } from './graph.js';
import type { Graph, GraphNode } from './graph.js';
import type { Isolation } from './isolation.js';
import type { LogFields, LogSink } from './log.js';
import { Replica } from './replica.js';
import type { NodeStatus } from './replica.js';
import { ParkedNodes } from './parkedNodes.js';
import type { RunningSystem, RunOptions, SystemResult } from './runningSystem.js';
import { Shadows } from './shadows.js';
import type { StartChild } from './startChild.js';
import { startSweeping } from './sweeping.js';
import { publishes, systemGraph } from './systemGraph.js';
import type { SystemGraph } from './systemGraph.js';
import { watchTopic } from './watchTopic.js';
import type { WatchedMessage, WatchOptions } from './watchTopic.js';

const defaultDrainMs = 10_000;
const pollMs = 100;
const defaultSample = 1 / 16;

/** Where the nodes of a system run, and where their lines go. */
export interface Places {
  readonly isolation: (node: GraphNode) => Isolation;
  readonly startChild: StartChild;
  readonly log: LogSink;
}

/**
 * Runs the nodes of a system: consumers before sources, restarts, and an orderly end. A node ends when all that it
 * reads from has ended and it has consumed what they published, so that a stop loses nothing and leaves nothing behind.
 */
export class Supervisor implements RunningSystem {
  readonly #graph: Graph;
  readonly #broker: Broker;
  readonly #options: RunOptions;
  readonly #places: Places;
  readonly #nodes: ReadonlyMap<string, readonly Replica[]>;
  readonly #order: readonly string[];
  readonly #shadows: Shadows;
  readonly #parked = new ParkedNodes();
  readonly #finish = deferred<SystemResult>();
  readonly done = this.#finish.promise;
  readonly #plain: SystemGraph;
  readonly #controls: Controls;
  readonly #traces = new TraceStore();
  /** Nodes whose streams have completed by themselves, and that were looked at for it. */
  readonly #completed = new Set<string>();
  #failure: EdgeFlowError | undefined;
  #finalLedger: Ledger | undefined;
  #stopRequested = false;
  #killed = false;
  #wake: (() => void) | undefined;
  /** Whether something has changed since {@link #changed} resolved. */
  #news = false;
  #deadline = Infinity;

  constructor(graph: Graph, broker: Broker, places: Places, options: RunOptions) {
    const { isolation, startChild } = places;
    this.#places = places;
    this.#graph = graph;
    this.#broker = broker;
    this.#options = options;
    this.#order = checkGraph(graph);
    this.#shadows = new Shadows(graph, broker, (node, line) => {
      this.#log(node, line);
    });
    const hash = fingerprint(graph);
    this.#nodes = new Map([...graph.nodes.values()].map((node) => [node.name, this.#newReplicas(node, startChild, hash)]));
    this.#plain = systemGraph(graph, isolation);
    this.#controls = new Controls({
      nodes: this.#nodes,
      ledger: () => this.ledger(),
      graceMs: options.drainMs ?? defaultDrainMs,
    });
    // Callers may look at `done` late; a rejection is not unhandled for that.
    this.done.catch(() => undefined);
  }

  /** Starts all nodes; resolves when consumers are ready and sources were told to begin. */
  async start(): Promise<void> {
    for (const name of [...this.#order].reverse()) for (const replica of this.#replicas(name)) replica.start();
    if (this.#options.handleSignals ?? true) this.#handleSignals();
    this.#sweep();
    while (!this.#stopRequested && !this.#failure && this.#isStarting()) await this.#changed();
    for (const name of this.#order) for (const replica of this.#replicas(name)) replica.go();
    void this.#superviseEnd();
    // What is wrong with a node from the start is the caller's to catch.
    if (this.#failure) await this.done;
  }

  #isStarting(): boolean {
    return this.#all().some(({ node, state }) => state === 'starting' && !(this.#shadows.has(node) && this.#shadows.late));
  }

  async stop(): Promise<void> {
    if (!this.#stopRequested) {
      this.#stopRequested = true;
      // What is pending is worked off, so that a stop leaves nothing behind.
      for (const name of this.#order)
        if (inputsOf(this.#graph, name).length > 0) for (const replica of this.#replicas(name)) replica.resume();
      this.#deadline = performance.now() + (this.#options.drainMs ?? defaultDrainMs);
      this.#tell();
    }
    await this.done.catch(() => undefined);
  }

  async ledger(): Promise<Ledger> {
    // After the end the broker is closed.
    return this.#finalLedger ?? drawLedger(this.#shadows.links, await this.#broker.stats(), (link) => this.#skips(link));
  }

  status(): readonly NodeStatus[] {
    return this.#all();
  }

  get name(): string {
    return this.#graph.name;
  }

  graph(): SystemGraph {
    return this.#plain;
  }

  topics(): Promise<TopicStats[]> {
    return this.#broker.stats();
  }

  async trace(query: TraceQuery): Promise<readonly TraceStep[]> {
    checkTraceQuery(query);
    return Promise.resolve(this.#traces.find(query));
  }

  traces({ limit }: { readonly limit?: number } = {}): readonly TraceSummary[] {
    return this.#traces.newest(limit);
  }

  async pause(node: string): Promise<void> {
    await this.#controls.pause(node);
  }

  async resume(node: string): Promise<void> {
    await this.#controls.resume(node);
  }

  async restart(node: string): Promise<void> {
    await this.#controls.restart(node);
  }

  async drain(node: string): Promise<void> {
    await this.#controls.drain(node);
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

  watch(topic: string, options: WatchOptions): AsyncIterable<WatchedMessage> {
    if (!this.#graph.nodes.has(topic) || !publishes(this.#graph, topic)) throw topicUndeclared(topic, 'node that publishes to it');
    return watchTopic(this.#broker, topic, options);
  }

  #skips({ source, target }: { readonly source: string; readonly target: string }): SkipCounts {
    const told = this.#replicas(target).flatMap((replica) => replica.status().report?.inputs[source]?.skips ?? []);
    return told.reduce(addSkips, noSkips);
  }

  #all(): NodeStatus[] {
    return [...this.#nodes].flatMap(([name, replicas]) =>
      replicas.map((replica) => ({ ...replica.status(), ...(this.#shadows.has(name) && { shadow: true as const }) })),
    );
  }

  #replicas(name: string): readonly Replica[] {
    return this.#nodes.get(name) ?? [];
  }

  #newReplicas(node: GraphNode, startChild: StartChild, hash: string): Replica[] {
    const { name, module, options, replicas, maxRestarts } = node;
    const inputs = inputsOf(this.#graph, name).map(({ source, qos, options: link }) => ({ source, qos, options: link }));
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
        output: publishes(this.#graph, name) ? name : undefined,
        traceSample: this.#options.trace?.sample ?? defaultSample,
      };
      const label = replicas > 1 ? plan.consumer : name;
      return new Replica(plan, maxRestarts, (events) => startChild(node, plan, events), {
        onLog: (line, fields) => {
          this.#log(label, line, fields);
        },
        onTrace: (trace) => {
          this.#traces.add(name, trace);
        },
        onChange: (state, failure) => {
          if (state === 'failed' && failure) {
            if (this.#shadows.has(name)) this.#goOnWithout(name, label, failure.message);
            else this.#gaveUp(label, maxRestarts, failure);
          }
          this.#tell();
        },
      });
    });
  }

  #log(name: string, line: string, fields?: LogFields): void {
    this.#places.log(name, line, fields);
  }

  #gaveUp(node: string, maxRestarts: number, failure: { readonly code: string | undefined; readonly message: string }): void {
    // Some errors name the node themselves.
    const named = failure.message.startsWith("node '");
    this.#failure ??= failure.code
      ? new EdgeFlowError(failure.code as ErrorCode, named ? failure.message : `node '${node}': ${failure.message}`)
      : new EdgeFlowError(
          'NODE_GAVE_UP',
          `node '${node}' crashed and was restarted ${maxRestarts} times in a row, at last because ${failure.message}`,
        );
    void this.stop();
  }

  #goOnWithout(node: string, label: string, why: string): void {
    this.#log(label, `this shadow is given up, and the system goes on without it: ${why}`);
    if (this.#replicas(node).every(({ ended }) => ended)) void this.#shadows.free([node]);
  }

  /** Ends nodes in the order of the graph, each when there is nothing left for it. */
  async #superviseEnd(): Promise<void> {
    try {
      for (;;) {
        for (const name of this.#order) if (await this.#mayEnd(name)) for (const replica of this.#replicas(name)) replica.stop();
        const left = this.#all().filter(({ state }) => state !== 'done' && state !== 'failed');
        for (const name of this.#order) await this.#tellCompleted(name);
        if (left.length === 0) break;
        if (left.every(({ node }) => this.#shadows.has(node))) this.#shadows.alone();
        if (performance.now() > this.#deadline || this.#shadows.overdue) this.#killRest();
        await this.#changed();
      }
      const ledger = (this.#finalLedger = await this.ledger());
      await this.#shadows.free();
      await this.#broker.close();
      if (this.#failure) this.#finish.reject(this.#failure);
      else this.#finish.resolve({ ledger });
    } catch (error) {
      this.#killRest();
      await this.#broker.close().catch((closing: unknown) => {
        this.#log('broker', errorMessage(closing), { level: 'error', code: codeOf(closing) });
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
    if (performance.now() > this.#deadline || this.#shadows.hurried || this.#failure) return true;
    const { links } = await this.ledger();
    const left = links.filter(
      ({ target, pending, qos }) => target === name && pending > 0 && !(this.#stopRequested && qos === QoS.REALTIME),
    );
    const live = replicas.filter(({ ended }) => !ended).map((replica) => replica.status().report);
    return left.length === 0 || this.#parked.allWait(name, left, live);
  }

  /** A node whose stream completes before its inputs do, as by `take`, leaves messages behind that nobody takes. */
  async #tellCompleted(name: string): Promise<void> {
    const replicas = this.#replicas(name);
    if (this.#stopRequested || this.#completed.has(name) || !replicas.every(({ ended }) => ended)) return;
    if (!replicas.some(({ completed }) => completed) || inputsOf(this.#graph, name).length === 0) return;
    this.#completed.add(name);
    const goesOn = (source: string): boolean => this.#replicas(source).some(({ ended }) => !ended);
    const left = (await this.ledger()).links.filter(
      ({ source, target, qos, pending }) => target === name && qos === QoS.DURABLE && (pending > 0 || goesOn(source)),
    );
    if (left.length === 0) return;
    const sources = left.map(({ source }) => `'${source}'`).join(', ');
    this.#log(name, `its stream has completed, and it takes nothing more: what ${sources} publishes for it stays pending`, {
      level: 'warn',
    });
  }

  #killRest(): void {
    if (this.#killed) return;
    this.#killed = true;
    for (const replica of [...this.#nodes.values()].flat()) {
      if (replica.ended) continue;
      this.#log(replica.plan.consumer, 'did not end in time and is killed', { level: 'warn' });
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

  #tell(): void {
    this.#news = true;
    this.#wake?.();
  }

  /** A node has another state, or it is time to look again; while all run, there is nothing to look for. */
  async #changed(): Promise<void> {
    const steady = !this.#stopRequested && this.#all().every(({ state }) => state === 'running' || state === 'paused');
    if (!this.#news)
      await new Promise<void>((resolve) => {
        const timer = steady ? undefined : setTimeout(resolve, pollMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.#news = false;
  }
}
