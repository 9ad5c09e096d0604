import type { Broker } from '../brokers/broker.js';
import type { Ledger } from '../observe/ledger.js';
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
}
