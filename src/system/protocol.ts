import type { MessagePort } from 'node:worker_threads';
import type { BrokerConfig } from '../brokers/broker.js';
import type { ErrorCode } from '../errors.js';
import type { LinkCounts } from '../observe/linkMeter.js';
import type { TraceReport } from '../observe/trace.js';
import type { QoS } from '../qos.js';
import type { LinkOptions } from './graph.js';
import type { LogFields } from './log.js';

/** One input of a node, as its worker needs it. */
interface WorkerInput {
  readonly source: string;
  readonly qos: QoS;
  readonly options: LinkOptions;
}

/** What one replica of a node is to do. */
export interface WorkerPlan {
  readonly system: string;
  readonly node: string;
  readonly replica: number;
  readonly consumer: string;
  /** URL of the node's module, or undefined for an inline operator of the entry. */
  readonly module: string | undefined;
  readonly entry: string | undefined;
  /** The user's own command line, so that an entry that reads it builds the same graph. */
  readonly argv: readonly string[];
  readonly fingerprint: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: readonly WorkerInput[];
  /** Topic to publish to; undefined when nobody reads it. */
  readonly output: string | undefined;
  /** Share of the messages that are traced, from 0 to 1. */
  readonly traceSample: number;
}

/** What the supervisor says. `go`: sources may begin. `pause`: take no more, settle, wait. `stop`: take no more, settle, exit. */
export type ToWorker =
  | {
      readonly type: 'plan';
      readonly plan: WorkerPlan;
      /** Undefined for a thread that reaches a broker of its process through a port. Holds secrets. */
      readonly broker: BrokerConfig | undefined;
    }
  | { readonly type: 'go' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'stop' };

/** What a thread is given when it is made. */
export interface ThreadData {
  /** Leads to a broker client in the main thread. */
  readonly broker: MessagePort | undefined;
}

export interface WorkerReport {
  readonly inputs: Readonly<Record<string, LinkCounts>>;
  /** Messages that the node has published. */
  readonly published: number;
  /** What the node last said by `context.show`. */
  readonly note: string | undefined;
  /** Resident bytes of the process; nodes that share one report the same. */
  readonly rss: number;
  /** Processor time of the process, in milliseconds; nodes that share one report the same. */
  readonly cpuMs: number;
  /** What happened to traced messages since the last report. */
  readonly trace: TraceReport;
}

/** What a worker says. `paused`: it takes nothing, and has settled what it had open. `done`: its stream has completed and all is settled; it exits. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'report'; readonly report: WorkerReport }
  | { readonly type: 'log'; readonly line: string; readonly fields: LogFields | undefined }
  | { readonly type: 'paused' }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly code: ErrorCode | undefined; readonly message: string };

/** Errors that a restart does not mend. */
export const permanentErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'LEASE_ESCAPED',
  'TOPIC_INVALID',
  'BROKER_CONFIG',
  'BROKER_AUTH',
  'BROKER_CORRUPT',
  'GRAPH_INVALID',
  'NODE_MODULE_MISSING',
  'NODE_MODULE_INVALID',
  'NODE_OPTIONS_INVALID',
  'WORKER_MISMATCH',
  'OPTIONS_INVALID',
  'SOURCE_MISSING',
  'FFMPEG_MISSING',
  'MODEL_MISSING',
  'MODEL_INVALID',
  'MODEL_DOWNLOAD',
]);
