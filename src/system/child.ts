import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FromWorker, ToWorker, WorkerPlan, WorkerReport } from './protocol.js';

/** How a worker ended. */
export interface ChildExit {
  /** Its stream completed and all was settled. */
  readonly done: boolean;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said of its failure before it exited. */
  readonly failure: Extract<FromWorker, { type: 'failed' }> | undefined;
}

export interface ChildEvents {
  readonly onReady: () => void;
  readonly onReport: (report: WorkerReport) => void;
  readonly onLine: (line: string) => void;
  readonly onExit: (exit: ChildExit) => void;
}

/** What the command line tool reads: may hold passwords, which workers, and what they start, need not inherit. */
const brokerVariables = ['EDGEFLOW_CONTROL_URL', 'EDGEFLOW_DATA_URL'];

const workerFile = fileURLToPath(new URL('./worker.js', import.meta.url));

/** One worker process. */
export class Child {
  readonly pid: number | undefined;
  readonly #process: ChildProcess;

  constructor(plan: WorkerPlan, events: ChildEvents) {
    // The name of the node is there for `ps`; everything else goes over the channel, since argv is open to all users.
    this.#process = fork(workerFile, [`${plan.system}/${plan.consumer}`], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !brokerVariables.includes(name))),
    });
    this.pid = this.#process.pid;
    let done = false;
    let failure: ChildExit['failure'];

    this.#process.on('message', (message: FromWorker) => {
      if (message.type === 'ready') events.onReady();
      else if (message.type === 'report') events.onReport(message.report);
      else if (message.type === 'done') done = true;
      else failure = message;
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', events.onLine);
    }
    let ended = false;
    const end = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
      if (ended) return;
      ended = true;
      events.onExit({ done, exitCode, signal, failure });
    };
    this.#process.on('exit', end);
    this.#process.on('error', (error) => {
      failure ??= { type: 'failed', code: undefined, message: error.message };
      if (this.#process.pid === undefined) end(null, null);
    });
    this.#tell({ type: 'plan', plan });
  }

  go(): void {
    this.#tell({ type: 'go' });
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
