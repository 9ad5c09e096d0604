import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpuMs } from './processCpu.js';
import type { Answer, Order } from './role.js';

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

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts both and waits until they are prepared, the producer first: it declares what the consumer reads. */
export async function startPair<Setup, Phase, Produced, Consumed>(options: PairOptions<Setup>): Promise<Pair<Phase, Produced, Consumed>> {
  const { setup, serverPids } = options;
  const producer = start(options.producer);
  const consumer = start(options.consumer);
  const pids = [...serverPids, producer.pid ?? -1, consumer.pid ?? -1];
  await ask(producer, { setup });
  await ask(consumer, { setup });
  return {
    async run(phase) {
      const before = cpuMs(pids);
      const [consumed, produced] = await Promise.all([ask(consumer, { phase }), ask(producer, { phase })]);
      return { produced: resultOf(produced) as Produced, consumed: resultOf(consumed) as Consumed, cpuMs: cpuMs(pids) - before };
    },
    async stop() {
      for (const child of [producer, consumer]) {
        const exited = once(child, 'exit');
        child.send({ end: true } satisfies Order<Setup, Phase>);
        await exited;
      }
    },
  };

  function start(module: string): ChildProcess {
    const child = fork(module, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  }

  function ask(child: ChildProcess, order: Order<Setup, Phase>): Promise<Answer<unknown>> {
    return new Promise((resolve, reject) => {
      const exited = (code: number | null, signal: string | null): void => {
        reject(new Error(`a process of the bench ended early, with ${code ?? signal}`));
      };
      child.once('exit', exited);
      child.once('message', (answer: Answer<unknown>) => {
        child.off('exit', exited);
        if ('failed' in answer) reject(new Error(`a process of the bench failed: ${answer.failed}`));
        else resolve(answer);
      });
      child.send(order);
    });
  }
}

function resultOf(answer: Answer<unknown>): unknown {
  if (!('result' in answer)) throw new Error('a process of the bench answered without a result');
  return answer.result;
}
