import type { Broker } from '../brokers/broker.js';
import { describeError, hasCode } from '../errors.js';

const everyMs = 5 * 60_000;

/**
 * Sweeps a broker every few minutes: producers that were killed leave payloads behind. A sweep that fails is logged, and
 * the next one comes all the same.
 *
 * @returns ends it.
 */
export function startSweeping(broker: Broker, { atOnce }: { readonly atOnce: boolean }, log: (line: string) => void): () => void {
  const sweep = async (): Promise<void> => {
    try {
      const { orphans } = await broker.sweep();
      if (orphans > 0) log(`swept ${orphans} payloads that no message refers to`);
    } catch (error) {
      // The end may come in the middle of one.
      if (!hasCode(error, 'BROKER_CLOSED')) log(`a sweep failed: ${describeError(error)}`);
    }
  };
  if (atOnce) void sweep();
  const timer = setInterval(() => void sweep(), everyMs).unref();
  return () => {
    clearInterval(timer);
  };
}
