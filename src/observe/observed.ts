import type { TopicStats } from '../brokers/broker.js';
import type { Ledger } from './ledger.js';
import type { LinkCounts } from './linkMeter.js';

/** `draining`: it works off what is pending, and pauses then. `paused`: it takes nothing. */
export type NodeState = 'starting' | 'running' | 'draining' | 'paused' | 'restarting' | 'done' | 'failed';

/** What is looked at of a replica of a node. */
export interface ObservedNode {
  readonly node: string;
  readonly replica: number;
  readonly state: NodeState;
  readonly pid: number | undefined;
  readonly restarts: number;
  /** Set for the nodes that only look on: nothing live depends on them. */
  readonly shadow?: true;
  readonly report: { readonly inputs: Readonly<Record<string, LinkCounts>>; readonly rss: number; readonly cpuMs: number } | undefined;
}

/** What is looked at of a running system. */
export interface ObservedSystem {
  readonly name: string;
  readonly done: Promise<unknown>;
  /** What became of every message, as the broker counted it. */
  ledger(): Promise<Ledger>;
  /** What each topic stores. */
  topics(): Promise<TopicStats[]>;
  /** The replicas of all nodes, and what they last reported. */
  status(): readonly ObservedNode[];
}
