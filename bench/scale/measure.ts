import { fileURLToPath } from 'node:url';
import type { Sample } from '../support/bench.js';
import type { BenchBroker } from '../support/brokers.js';
import { startPair } from '../support/pair.js';
import { cpuMs } from '../support/processCpu.js';
import type { ScalePhase, ScaleSetup, ScaleTime } from './setup.js';

/** What is passed, and past what. */
export interface Load extends Omit<ScaleSetup, 'broker'> {
  /** Messages that wait before the measurement begins, and still when it ends. */
  readonly pending: number;
  readonly messages: number;
  readonly perSecond?: number;
}

/** Passes messages through a fresh broker, from a fresh process to another. */
export async function measureLoad(store: BenchBroker, load: Load): Promise<Sample['figures']> {
  const { pending, messages, perSecond, ...shape } = load;
  const pair = await startPair<ScaleSetup, ScalePhase, ScaleTime, ScaleTime>({
    producer: fileURLToPath(new URL('./producer.js', import.meta.url)),
    consumer: fileURLToPath(new URL('./consumer.js', import.meta.url)),
    setup: { broker: store.config, ...shape },
    serverPids: store.pids,
  });
  // Compilers and caches get warm.
  const warm = Math.ceil(messages / 5);
  await pair.run({ phase: 0, pushed: warm, taken: warm });
  const figures: Record<string, number> = {};
  if (pending > 0) {
    const before = await store.storedBytes();
    const serversBefore = cpuMs(store.pids);
    const { produced } = await pair.run({ phase: 1, pushed: pending, taken: 0 });
    figures['CPU µs/message, filling'] = ((produced.cpuMs + cpuMs(store.pids) - serversBefore) / pending) * 1_000;
    figures['stored bytes/message'] = ((await store.storedBytes()) - before) / pending;
  }
  const serversBefore = cpuMs(store.pids);
  const { produced, consumed } = await pair.run({
    phase: 2,
    pushed: messages,
    taken: messages,
    ...(perSecond !== undefined && { perSecond }),
  });
  const usedMs = produced.cpuMs + consumed.cpuMs + cpuMs(store.pids) - serversBefore;
  await pair.stop();
  return {
    'CPU µs/message': (usedMs / messages) * 1_000,
    ...(perSecond === undefined && { 'messages/s': (messages / (consumed.ms - produced.ms)) * 1_000 }),
    ...figures,
    'RSS MB, producer': produced.residentMB,
    'RSS MB, consumer': consumed.residentMB,
  };
}
