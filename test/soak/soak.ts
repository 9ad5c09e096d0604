import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '#operators/scene/random.js';
import type { Broker, TopicStats } from '#src/brokers/broker.js';
import { connectBroker } from '#src/brokers/connect.js';
import { check, repeatedDeliveries } from './checks.js';
import type { Check } from './checks.js';
import { Faults } from './faults.js';
import type { Fault } from './faults.js';
import { readRecord } from './recordFile.js';
import { Sampler } from './samples.js';
import type { FileSample, ProcessSample } from './samples.js';
import { makeStage } from './stage.js';
import type { BrokerName } from './stage.js';
import { Supervised } from './supervised.js';
import { trendsOf } from './trends.js';
import type { Trend } from './trends.js';

export interface SoakOptions {
  readonly broker: BrokerName;
  readonly messages: number;
  /** How many messages a second the producer makes at most. */
  readonly perSecond: number;
  readonly faultsEveryMs: number;
  /** Share of the messages that pass at the end without faults, so that lives get long enough to be measured. */
  readonly calm: number;
  readonly seed: number;
  readonly killSupervisor: boolean;
  /** @defaultValue no limit */
  readonly mostFaults?: number;
  /** After how long without a sign of life a consumer's messages go to another. */
  readonly visibilityMs: number;
  /** Longest time that a process is made to stand still. */
  readonly longestPauseMs: number;
  /** Ends the run early: it then rejects with the signal's reason, and leaves nothing behind. */
  readonly signal?: AbortSignal;
  /** Told twice a second. */
  readonly onProgress?: (done: number, faults: number) => void;
}

/** What a soak found. */
export interface SoakResult {
  readonly broker: BrokerName;
  readonly messages: number;
  readonly seed: number;
  readonly seconds: number;
  readonly faults: readonly Fault[];
  /** Deliveries to the sink beyond the first of each message. */
  readonly repeated: number;
  readonly checks: readonly Check[];
  readonly trends: readonly Trend[];
  readonly samples: Readonly<Record<string, readonly (ProcessSample | FileSample)[]>>;
}

const topicBytes = 4 * 1024 * 1024;
const lookMs = 500;
/** A run in which nothing moves for so long is given up. */
const stallMs = 120_000;

/** Runs one soak to its end, and checks what it left. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { broker: name, messages, perSecond, seed, visibilityMs } = options;
  const folder = mkdtempSync(join(tmpdir(), 'edgeflow-soak-'));
  const stage = await makeStage(name, visibilityMs);
  const system = new Supervised({ broker: stage.config, folder, messages, perSecond, maxBytes: topicBytes });
  const client = await connectBroker(stage.config);
  const sampler = new Sampler(system, stage);
  const faults = new Faults(system, stage, new Random(seed), { ...options, everyMs: options.faultsEveryMs });
  const began = performance.now();
  try {
    system.start();
    const mostBytes = await watch(options, system, client, faults);
    const seconds = (performance.now() - began) / 1_000;
    sampler.stop();

    const sweeps = [await client.sweep({ graceMs: 0 }), await client.sweep({ graceMs: 0 })] as const;
    const sink = readRecord(join(folder, 'sink'));
    const calmSince = Math.max(0, ...faults.done.map(({ at, forMs = 0 }) => at + forMs / 1_000));
    const trends = trendsOf(sampler, Object.keys(stage.servers), calmSince);
    const checks = check({
      messages,
      stats: await client.stats(),
      sink,
      reader: readRecord(join(folder, 'reader')),
      sweeps,
      payloads: await stage.payloads(),
      mostBytes,
      maxBytes: topicBytes,
      trends,
      logFile: system.logFile,
    });
    const samples = Object.fromEntries<readonly (ProcessSample | FileSample)[]>([...sampler.processes, ...sampler.files]);
    return { broker: name, messages, seed, seconds, faults: faults.done, repeated: repeatedDeliveries(sink), checks, trends, samples };
  } finally {
    sampler.stop();
    await system.kill();
    await client.close();
    await stage.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Does faults until the calm at the end, and waits for the system to end.
 *
 * @returns the most bytes that were seen in a topic.
 */
async function watch(options: SoakOptions, system: Supervised, client: Broker, faults: Faults): Promise<number> {
  const { messages, calm, signal, onProgress } = options;
  const calmNow = new AbortController();
  const faulting = faults.run(calmNow.signal);
  let ended = false;
  const done = system.done.finally(() => {
    ended = true;
  });
  done.catch(() => undefined);
  let mostBytes = 0;
  let moved = { to: -1, at: performance.now() };
  try {
    while (!ended) {
      signal?.throwIfAborted();
      // A broker whose server is away answers when it is back.
      const stats = await Promise.race([client.stats(), done.then(() => undefined)]);
      if (stats) mostBytes = Math.max(mostBytes, ...stats.map(({ bytes }) => bytes));
      const acked = stats ? ackedBySink(stats) : messages;
      if (acked >= messages * (1 - calm)) calmNow.abort();
      if (acked !== moved.to) {
        moved = { to: acked, at: performance.now() };
        if (acked > 0) faults.moved();
      }
      if (performance.now() - moved.at > stallMs)
        throw new Error(`nothing moves any more: ${acked} of ${messages} acked for ${stallMs} ms; ${JSON.stringify(stats)}`);
      onProgress?.(acked, faults.done.length);
      await Promise.race([sleep(lookMs), done]);
    }
    await done;
  } finally {
    calmNow.abort();
    await faulting;
  }
  return mostBytes;
}

function ackedBySink(stats: readonly TopicStats[]): number {
  return stats.find(({ topic }) => topic === 'transform')?.groups.sink?.acked ?? 0;
}
