import { startProcess } from './process.js';
import { cpuMs } from './processCpu.js';

/** One producer process and one consumer process. */
export interface Pair<Phase, Produced, Consumed> {
  /** Runs one phase in both at once. `cpuMs` is that of both and of the servers, for the time of the phase. */
  run(phase: Phase): Promise<{ produced: Produced; consumed: Consumed; cpuMs: number }>;
  stop(): Promise<void>;
}

/** What to start. */
export interface PairOptions<Setup> {
  /** Compiled modules that call `playRole`. */
  readonly producer: string;
  readonly consumer: string;
  readonly setup: Setup;
  /** Servers between the two, whose CPU counts. */
  readonly serverPids: readonly number[];
}

/** Starts both and waits until they are prepared, the producer first: it declares what the consumer reads. */
export async function startPair<Setup, Phase, Produced, Consumed>(options: PairOptions<Setup>): Promise<Pair<Phase, Produced, Consumed>> {
  const { setup, serverPids } = options;
  const producer = startProcess<Setup, Phase, Produced>({ script: options.producer });
  const consumer = startProcess<Setup, Phase, Consumed>({ script: options.consumer });
  const pids = [...serverPids, producer.pid, consumer.pid];
  await producer.prepare(setup);
  await consumer.prepare(setup);
  return {
    async run(phase) {
      const before = cpuMs(pids);
      const [consumed, produced] = await Promise.all([consumer.run(phase), producer.run(phase)]);
      return { produced, consumed, cpuMs: cpuMs(pids) - before };
    },
    async stop() {
      await producer.stop();
      await consumer.stop();
    },
  };
}
