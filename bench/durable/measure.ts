import { fileURLToPath } from 'node:url';
import type { Sample } from '../support/bench.js';
import type { BenchBroker } from '../support/brokers.js';
import { startPair } from '../support/pair.js';
import type { BenchRedis } from '../support/redisServer.js';
import type { DriverName, DurablePhase, DurableSetup, DurableTime } from './driver.js';

/** What stands between the two processes of one measurement. */
interface Middle {
  readonly setup: Pick<DurableSetup, 'broker' | 'redis' | 'concurrency'>;
  readonly pids: readonly number[];
  readonly stop: () => Promise<void>;
}

/** One way to send small messages, each acknowledged. */
export interface Peer {
  readonly name: string;
  readonly driver: DriverName;
  start(): Promise<Middle>;
}

export async function onBroker(started: Promise<BenchBroker>): Promise<Middle> {
  const { config, pids, stop } = await started;
  return { setup: { broker: config }, pids, stop };
}

export async function onRedis(started: Promise<BenchRedis>, concurrency?: number): Promise<Middle> {
  const { address, pid, stop } = await started;
  return { setup: { redis: address, ...(concurrency !== undefined && { concurrency }) }, pids: [pid], stop };
}

/** Sends for about so many seconds from a fresh process to another, by fresh servers. */
export async function measure(peer: Peer, inFlight: number, seconds: number): Promise<Sample['figures']> {
  const middle = await peer.start();
  try {
    const pair = await startPair<DurableSetup, DurablePhase, DurableTime, DurableTime>({
      producer: fileURLToPath(new URL('./producer.js', import.meta.url)),
      consumer: fileURLToPath(new URL('./consumer.js', import.meta.url)),
      setup: { driver: peer.driver, inFlight, ...middle.setup },
      serverPids: middle.pids,
    });
    // Compilers and caches get warm, and the rate tells how many messages take the time that there is.
    const counts = [inFlight * Math.ceil(8 * Math.min(1, seconds))];
    let figures: Sample['figures'] = {};
    for (let phase = 0; phase < 3; phase++) {
      const count = counts[phase] ?? inFlight;
      const { produced, consumed, cpuMs } = await pair.run({ phase, count });
      const rate = (count / (consumed.ms - produced.ms)) * 1_000;
      counts.push(Math.ceil(rate * (phase === 0 ? Math.min(1, seconds) : seconds)));
      figures = { 'messages/s': rate, 'CPU µs/message': (cpuMs / count) * 1_000 };
    }
    await pair.stop();
    return figures;
  } finally {
    await middle.stop();
  }
}
