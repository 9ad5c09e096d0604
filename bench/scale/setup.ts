import type { BrokerConfig } from 'edgeflow';

/** What both processes are told at first. */
export interface ScaleSetup {
  readonly broker: BrokerConfig;
  /** How many messages go to one topic together; the next ones go to the next topic when all of them are confirmed. */
  readonly batch: number;
  readonly topics: number;
  /** Clients of the consumer process, each of which reads all topics: they compete as replicas do. */
  readonly consumers: number;
  readonly payloadBytes: number;
}

/** One phase. */
export interface ScalePhase {
  readonly phase: number;
  /** Messages that are pushed. */
  readonly pushed: number;
  /** Messages that are read and acknowledged, the oldest first. */
  readonly taken: number;
  /** Messages a second, at an even pace; undefined for as fast as they go. */
  readonly perSecond?: number;
}

/** When a process began or ended, on the clock of `process.hrtime`, and what processor time it took meanwhile, in milliseconds. */
export interface ScaleTime {
  readonly ms: number;
  readonly cpuMs: number;
  readonly residentMB: number;
}

/** What either process is told, and answers. */
export interface ScaleProtocol {
  readonly setup: ScaleSetup;
  readonly phase: ScalePhase;
  readonly result: ScaleTime;
}

export const group = 'consumer';
/** How many messages are read together, at most. */
export const batchSize = 256;

export function topicNames({ topics }: ScaleSetup): string[] {
  return Array.from({ length: topics }, (_, index) => `camera-${index}`);
}

/** What this process has used since `before`, and its memory. */
export function usedSince(before: NodeJS.CpuUsage): Pick<ScaleTime, 'cpuMs' | 'residentMB'> {
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1_000, residentMB: process.memoryUsage.rss() / 1e6 };
}
