import type { Broker, DeadLetter, DeadLetterOptions, TopicStats } from '../brokers/broker.js';
import type { Ledger } from '../observe/ledger.js';
import type { Isolation } from './isolation.js';
import type { TraceStep } from '../observe/trace.js';
import type { TraceQuery, TraceSummary } from '../observe/traceStore.js';
import type { LogFields } from './log.js';
import type { NodeStatus } from './replica.js';
import type { SystemGraph } from './systemGraph.js';
import type { WatchedMessage, WatchOptions } from './watchTopic.js';

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
  readonly onLog?: (node: string, line: string, fields?: LogFields) => void;
  /** `json` prints each line as a JSON object, as pino does: for what collects logs. Nothing where `onLog` takes them. @defaultValue 'text' */
  readonly log?: 'text' | 'json' | undefined;
  /** Which messages are traced: see {@link RunningSystem.trace}. */
  readonly trace?: TraceOptions | undefined;
  /** Whether SIGINT and SIGTERM stop the system. @defaultValue true */
  readonly handleSignals?: boolean;
}

/** What is traced. */
export interface TraceOptions {
  /**
   * Share of the messages whose way is noted, from 0 (none) to 1 (all). Where a worker has more than 256 steps in half a second,
   * the share is lowered until it has not.
   * @defaultValue 1/16
   */
  readonly sample?: number;
}

/** What {@link RunningSystem.done} resolves to. */
export interface SystemResult {
  /** The ledger when the last worker had closed. */
  readonly ledger: Ledger;
}

/** A system whose nodes run. */
export interface RunningSystem {
  /** Stops sources, lets open deliveries settle, closes workers; kills what is left after `drainMs`. Idempotent. */
  stop(): Promise<void>;
  /**
   * Resolves when every node has ended: after `stop`, or when all sources completed and everything was consumed.
   * Rejects with `NODE_GAVE_UP`, or the node's own error, when a node cannot go on; all others are stopped then. A shadow that
   * cannot go on is told in the log, and no more.
   */
  readonly done: Promise<SystemResult>;
  /** What became of every message of every link, up to now. */
  ledger(): Promise<Ledger>;
  /** State, process ids and measures of every node's replicas. */
  status(): readonly NodeStatus[];
  /** Name of the system. */
  readonly name: string;
  /** Its nodes and links, as plain data. */
  graph(): SystemGraph;
  /** What the broker has counted and stores of each topic. */
  topics(): Promise<TopicStats[]>;
  /**
   * Where did a message go? All that is known of it, of what it was made of and of what was made of it, through all nodes, in
   * order of time. Workers tell of a sample, twice a second, and the newest two thousand ways are kept.
   */
  trace(query: TraceQuery): Promise<readonly TraceStep[]>;
  /** The newest messages that were traced, newest first. */
  traces(options?: { readonly limit?: number }): readonly TraceSummary[];
  /**
   * The node takes nothing more, whatever restarts; resolves when what it had open is settled. A source stops being pulled.
   *
   * @throws EdgeFlowError `GRAPH_INVALID` for a node that there is not, `NODE_ENDED`; as all four of these do.
   */
  pause(node: string): Promise<void>;
  /** The node goes on. */
  resume(node: string): Promise<void>;
  /**
   * Ends each replica of the node, once it has settled what it has open, and starts it anew; resolves when all run again. What it
   * does not settle within `drainMs` is handed back, and delivered again. A source begins anew.
   */
  restart(node: string): Promise<void>;
  /** The node works off what is pending now, and is then paused; a source is paused at once. Whatever feeds it goes on. */
  drain(node: string): Promise<void>;
  /** Dead letters of a topic, oldest first. */
  deadLetters(topic: string, options?: DeadLetterOptions): Promise<DeadLetter[]>;
  /** Gives dead letters back to be delivered again. @returns how many. */
  redrive(topic: string, letters: readonly number[]): Promise<number>;
  /** Deletes dead letters for good. @returns how many. */
  dropDeadLetters(topic: string, letters: readonly number[]): Promise<number>;
  /**
   * The newest message of a topic, again and again, until `signal` is aborted or the system ends, with the values right before
   * it where `passedOver` asks for them. Slows nobody, and is in no ledger.
   *
   * @throws EdgeFlowError `TOPIC_UNDECLARED` for a topic that no node of the system publishes to.
   */
  watch(topic: string, options: WatchOptions): AsyncIterable<WatchedMessage>;
}
