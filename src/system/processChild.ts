import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BrokerConfig } from '../brokers/broker.js';
import { passLines, passOn, workerEnvironment } from './child.js';
import type { Child, ChildEvents, WorkerFailure } from './child.js';
import type { FromWorker, ToWorker, WorkerPlan } from './protocol.js';

const workerFile = fileURLToPath(new URL('./worker.js', import.meta.url));

/** A replica in a process of its own. */
export class ProcessChild implements Child {
  readonly pid: number | undefined;
  readonly #process: ChildProcess;

  constructor(plan: WorkerPlan, broker: BrokerConfig, events: ChildEvents) {
    // The name of the node is there for `ps`; everything else goes over the channel, since argv is open to all users.
    this.#process = fork(workerFile, [`${plan.system}/${plan.consumer}`], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      env: workerEnvironment(),
    });
    this.pid = this.#process.pid;
    let done = false;
    let failure: WorkerFailure | undefined;

    this.#process.on('message', (message: FromWorker) => {
      const last = passOn(message, events);
      if (last?.type === 'done') done = true;
      else if (last) failure = last;
    });
    passLines(this.#process.stdout, this.#process.stderr, events);
    let ended = false;
    const end = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
      if (ended) return;
      ended = true;
      events.onExit({ done, how: `its process ended with ${signal ?? `exit code ${exitCode}`}`, failure });
    };
    this.#process.on('exit', end);
    this.#process.on('error', (error) => {
      failure ??= { type: 'failed', code: undefined, message: error.message };
      if (this.#process.pid === undefined) end(null, null);
    });
    this.#tell({ type: 'plan', plan, broker });
  }

  go(): void {
    this.#tell({ type: 'go' });
  }

  pause(): void {
    this.#tell({ type: 'pause' });
  }

  resume(): void {
    this.#tell({ type: 'resume' });
  }

  stop(): void {
    this.#tell({ type: 'stop' });
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** A worker that is gone already is told nothing; its exit says what there is to know. */
  #tell(message: ToWorker): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }
}
