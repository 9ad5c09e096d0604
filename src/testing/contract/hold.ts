import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HolderTask } from './holder.js';

/** A consumer in a process of its own. */
export interface Holder {
  readonly pid: number;
  /** Positions of what it took. */
  readonly seqs: readonly number[];
  kill(signal: NodeJS.Signals): void;
}

const holderFile = fileURLToPath(new URL('./holder.js', import.meta.url));

/** Starts a process that takes messages and holds them. End it with SIGKILL. */
export async function holdInProcess(task: HolderTask): Promise<Holder> {
  const child = fork(holderFile, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  child.send(task);
  const ended = once(child, 'exit').then(() => {
    throw new Error('the process that was to hold messages ended');
  });
  ended.catch(() => undefined);
  const [seqs] = (await Promise.race([once(child, 'message'), ended])) as [number[]];
  return {
    pid: child.pid ?? -1,
    seqs,
    kill: (signal) => {
      child.kill(signal);
    },
  };
}
