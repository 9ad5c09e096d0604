import type { Broker, DeadLetter, DeadLetterOptions, TopicStats } from '../brokers/broker.js';
import type { ReceivedMessage } from '../message.js';
import type { Ledger } from '../observe/ledger.js';
import type { QoS } from '../qos.js';
import type { Isolation } from './isolation.js';
import type { NodeStatus } from './replica.js';

/** Options of `system.run`. */
export interface RunOptions {
  /** Used instead of the system's own broker. */
  readonly broker?: Broker | undefined;
  /** Path of the entry module, which workers import again for inline nodes. @defaultValue process.argv[1] */
  readonly entry?: string | undefined;
  /** Delivers what an earlier run left unacked. @defaultValue false */
  readonly resume?: boolean;
  /**
   * `true` discards what an earlier run left unacked. `'namespace'` also discards, and deletes EdgeFlow's own keys alone
   * on a Redis that others use. Without either, a run that finds unacked messages stops.
   * @defaultValue false
   */
  readonly reset?: boolean | 'namespace';
  /**
   * What nodes run in: `process`, a process each; `thread`, a thread each; `inline`, all in the thread that calls `run`. Goes
   * before what the nodes and the system say.
   * @defaultValue what the node or the system says, or 'process'
   */
  readonly isolation?: Isolation | undefined;
  /** How long a stop may take before workers are killed, in milliseconds. @defaultValue 10000 */
  readonly drainMs?: number;
  /** Takes each line that a node logs. @defaultValue prints it to stderr behind the node's name */
  readonly onLog?: (node: string, line: string) => void;
  /** Whether SIGINT and SIGTERM stop the system. @defaultValue true */
  readonly handleSignals?: boolean;
}

/** What {@link RunningSystem.done} resolves to. */
export interface SystemResult {
  /** The ledger when the last worker had closed. */
  readonly ledger: Ledger;
}

/** The graph of a running system as plain data, without the options of nodes, which may hold secrets. */
export interface SystemGraph {
  readonly name: string;
  readonly nodes: readonly {
    readonly name: string;
    readonly replicas: number;
    readonly isolation: Isolation;
    readonly inputs: readonly string[];
    readonly topic: boolean;
  }[];
  readonly links: readonly { readonly source: string; readonly target: string; readonly qos: QoS }[];
}

/** A system whose nodes run. */
export interface RunningSystem {
  /** Stops sources, lets open deliveries settle, closes workers; kills what is left after `drainMs`. Idempotent. */
  stop(): Promise<void>;
  /**
   * Resolves when every node has ended: after `stop`, or when all sources completed and everything was consumed.
   * Rejects with `NODE_GAVE_UP`, or the node's own error, when a node cannot go on; all others are stopped then.
   */
  readonly done: Promise<SystemResult>;
  /** What became of every message of every link, up to now. */
  ledger(): Promise<Ledger>;
  /** State, process ids and measures of every node's replicas. */
  status(): readonly NodeStatus[];
  readonly name: string;
  graph(): SystemGraph;
  topics(): Promise<TopicStats[]>;
  deadLetters(topic: string, options?: DeadLetterOptions): Promise<DeadLetter[]>;
  redrive(topic: string, letters: readonly number[]): Promise<number>;
  dropDeadLetters(topic: string, letters: readonly number[]): Promise<number>;
  watch(topic: string, options: { readonly signal: AbortSignal }): AsyncIterable<ReceivedMessage>;
}
