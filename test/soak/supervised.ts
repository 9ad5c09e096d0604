import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deferred } from '#src/deferred.js';
import { signal, workersOf } from './processes.js';
import type { FromSupervisor, SoakPlan } from './supervisor.js';

const supervisorFile = fileURLToPath(new URL('supervisor.ts', import.meta.url));
const typescript = new URL('../support/typescript.mjs', import.meta.url).href;

/** The supervisor of a soak, seen from outside: it can be killed and started again. */
export class Supervised {
  readonly #plan: Omit<SoakPlan, 'resume'>;
  readonly #finish = deferred<undefined>();
  /** Resolves when the system has ended by itself; rejects with what stopped it. */
  readonly done = this.#finish.promise;
  #process: ChildProcess | undefined;
  #killing = false;
  #handles: number | undefined;

  constructor(plan: Omit<SoakPlan, 'resume'>) {
    this.#plan = plan;
    this.done.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Timers and other resources that are active in it, as it last said. */
  get handles(): number | undefined {
    return this.#handles;
  }

  /** What the nodes log. */
  get logFile(): string {
    return join(this.#plan.folder, 'nodes.log');
  }

  workers(): Map<string, number> {
    return this.pid === undefined ? new Map<string, number>() : workersOf(this.pid);
  }

  start(resume = false): void {
    const child = fork(supervisorFile, { execArgv: ['--import', typescript], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process = child;
    let ended = false;
    child.on('message', (message: FromSupervisor) => {
      if (message.type === 'log') appendFileSync(this.logFile, `${message.line.replaceAll(/\n\s*/g, ' / ')}\n`);
      else if (message.type === 'handles') this.#handles = message.handles;
      else {
        ended = true;
        if (message.type === 'done') this.#finish.resolve(undefined);
        else this.#finish.reject(new Error(`the system stopped: ${message.message}`));
      }
    });
    child.on('exit', (code, by) => {
      this.#process = undefined;
      this.#handles = undefined;
      if (!ended && !this.#killing) this.#finish.reject(new Error(`the supervisor ended by itself, with ${by ?? `exit code ${code}`}`));
    });
    child.send({ ...this.#plan, resume } satisfies SoakPlan);
  }

  /** Kills the supervisor alone, with SIGKILL: its workers are to notice. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    const exited = once(child, 'exit');
    this.#killing = true;
    // A worker that stands still would not notice, and go on much later.
    for (const pid of this.workers().values()) signal(pid, 'SIGCONT');
    child.kill('SIGKILL');
    await exited;
    this.#killing = false;
  }
}
