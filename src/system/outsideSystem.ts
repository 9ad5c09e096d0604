import type { Broker, DeadLetter, DeadLetterOptions, TopicStats } from '../brokers/broker.js';
import { deferred } from '../deferred.js';
import { drawLedger } from '../observe/ledger.js';
import type { Ledger } from '../observe/ledger.js';
import { QoS } from '../qos.js';
import { readProcesses } from './nodeProcesses.js';
import type { NodeProcess } from './nodeProcesses.js';
import type { NodeStatus } from './replica.js';
import type { RunningSystem } from './runningSystem.js';
import type { SystemGraph } from './systemGraph.js';
import { isWatcher, retireDeadWatchers, watchTopic } from './watchTopic.js';
import type { WatchedMessage, WatchOptions } from './watchTopic.js';

/** What is known of a System from outside: what its broker counts and stores, and its processes on this host. */
export type OutsideView = Omit<RunningSystem, 'trace' | 'traces' | 'pause' | 'resume' | 'restart' | 'drain'>;

type Links = SystemGraph['links'];

/**
 * A System that another process runs. Its nodes are those that publish to a topic or read one; who only read long ago
 * stand there too. Ages, skips by reason and the ways of messages are known to the process that runs it alone.
 */
export class OutsideSystem implements OutsideView {
  readonly name: string;
  readonly done: OutsideView['done'];
  readonly #broker: Broker;
  readonly #stopped = new AbortController();
  /** Those that have not given up their reader yet. */
  readonly #watches = new Set<Promise<undefined>>();
  #stats: readonly TopicStats[] = [];
  #processes: readonly NodeProcess[] = [];
  #end: (ledger: Ledger) => void = () => undefined;

  private constructor(broker: Broker, name: string) {
    this.#broker = broker;
    this.name = name;
    this.done = new Promise((resolve) => {
      this.#end = (ledger) => {
        resolve({ ledger });
      };
    });
  }

  /**
   * @param broker - of the System; it stays open at the end.
   * @param name - of the System, which its processes have in their names.
   */
  static async look(broker: Broker, name: string): Promise<OutsideSystem> {
    const system = new OutsideSystem(broker, name);
    await retireDeadWatchers(broker, await system.topics());
    return system;
  }

  /** Ends the look, and leaves no reader behind; the System runs on. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#end(await this.ledger());
    await Promise.all(this.#watches);
  }

  async ledger(): Promise<Ledger> {
    return drawLedger(linksOf(await this.topics()), this.#stats);
  }

  async topics(): Promise<TopicStats[]> {
    const [stats, processes] = await Promise.all([this.#broker.stats(), readProcesses()]);
    this.#stats = stats;
    this.#processes = processes.filter(({ name }) => name.startsWith(`${this.name}/`));
    return stats;
  }

  graph(): SystemGraph {
    const links = linksOf(this.#stats);
    const topics = new Set(this.#stats.map(({ topic }) => topic));
    const names = new Set([...topics, ...links.map(({ target }) => target)]);
    const nodes = [...names].map((name) => ({
      name,
      replicas: this.#replicas(name).length,
      isolation: 'process' as const,
      inputs: links.filter(({ target }) => target === name).map(({ source }) => source),
      topic: topics.has(name),
    }));
    return { name: this.name, nodes, links };
  }

  status(): readonly NodeStatus[] {
    return this.graph().nodes.flatMap(({ name }) => this.#replicas(name));
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
    return this.#watch(topic, { ...options, signal: AbortSignal.any([options.signal, this.#stopped.signal]) });
  }

  async *#watch(topic: string, options: WatchOptions): AsyncGenerator<WatchedMessage, void, undefined> {
    const { promise, resolve } = deferred<undefined>();
    this.#watches.add(promise);
    try {
      yield* watchTopic(this.#broker, topic, options);
    } finally {
      this.#watches.delete(promise);
      resolve(undefined);
    }
  }

  #replicas(node: string): NodeStatus[] {
    const published = this.#stats.find(({ topic }) => topic === node)?.published ?? 0;
    return this.#processes
      .filter(({ name }) => name.replace(/-\d+$/, '') === `${this.name}/${node}`)
      .map(({ pid, cpuSeconds, rss }, replica) => ({
        node,
        replica,
        state: 'running' as const,
        pid,
        restarts: 0,
        // The broker counts those of all replicas together.
        report: { inputs: {}, published: replica === 0 ? published : 0, rss, cpuMs: cpuSeconds * 1_000, note: undefined },
      }));
  }
}

function linksOf(stats: readonly TopicStats[]): Links {
  return stats.flatMap(({ topic, groups, readers }) => [
    ...Object.keys(groups).map((target) => ({ source: topic, target, qos: QoS.DURABLE })),
    ...Object.keys(readers)
      .filter((reader) => !isWatcher(reader))
      .map((target) => ({ source: topic, target, qos: QoS.REALTIME })),
  ]);
}
