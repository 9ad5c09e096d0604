import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Answer, Order } from './role.js';

/** A compiled module that calls `playRole`, or a script for another interpreter that calls `play_role` of `bench/support/role.py`. */
export interface Program {
  readonly script: string;
  /** @defaultValue this Node */
  readonly interpreter?: string;
  readonly args?: readonly string[];
}

/** A process of a bench, which does as it is told. */
export interface BenchProcess<Setup, Phase, Result> {
  readonly pid: number;
  prepare(setup: Setup): Promise<void>;
  run(phase: Phase): Promise<Result>;
  stop(): Promise<void>;
}

/** Where the scripts lie, which nothing compiles. */
export const sources = resolve(import.meta.dirname, '../../../bench');

const running = new Set<ReturnType<typeof spawn>>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a process. Orders to it are JSON lines on the descriptor that `NODE_CHANNEL_FD` names, which Python reads as well. */
export function startProcess<Setup, Phase, Result>({
  script,
  interpreter = process.execPath,
  args = [],
}: Program): BenchProcess<Setup, Phase, Result> {
  const child = spawn(interpreter, [script, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, PYTHONPATH: resolve(sources, 'support'), PYTHONDONTWRITEBYTECODE: '1' },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));

  const ask = (order: Order<Setup, Phase>): Promise<Answer<Result>> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null, signal: string | null): void => {
        reject(new Error(`a process of the bench ended early, with ${code ?? signal}: ${script}`));
      };
      child.once('exit', ended);
      child.once('error', reject);
      child.once('message', (answer: Answer<Result>) => {
        child.off('exit', ended).off('error', reject);
        if ('failed' in answer) reject(new Error(`a process of the bench failed: ${answer.failed}`));
        else resolve(answer);
      });
      child.send(order);
    });

  return {
    pid: child.pid ?? -1,
    prepare: async (setup) => {
      await ask({ setup });
    },
    run: async (phase) => {
      const answer = await ask({ phase });
      if (!('result' in answer)) throw new Error(`a process of the bench answered without a result: ${script}`);
      return answer.result;
    },
    stop: async () => {
      const exited = once(child, 'exit');
      child.send({ end: true } satisfies Order<Setup, Phase>);
      await exited;
    },
  };
}
