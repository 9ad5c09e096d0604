import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { Broker } from '../brokers/broker.js';
import { errorMessage } from '../errors.js';
import { failureOf, passLines, passOn, workerEnvironment } from './child.js';
import type { Child, ChildEvents, WorkerFailure } from './child.js';
import type { NodeClients } from './nodeClients.js';
import { serveBroker } from './portBroker/serveBroker.js';
import type { FromWorker, ThreadData, ToWorker, WorkerPlan } from './protocol.js';

const workerFile = new URL('./workerMain.js', import.meta.url);

/**
 * A replica in a thread of this process. It reaches a broker of this process through a port, by a client that lives on
 * this side: so a thread may be ended at any moment, as a process may, and no transaction is ever cut in two.
 */
export class ThreadChild implements Child {
  readonly pid = process.pid;
  readonly #worker: Worker;
  /** Its broker client, and the port that leads to it. */
  readonly #served: { readonly broker: Promise<Broker>; readonly port: MessagePort } | undefined;

  constructor(plan: WorkerPlan, clients: NodeClients, events: ChildEvents) {
    const { port1, port2 } = new MessageChannel();
    const port = clients.remote ? undefined : port2;
    if (port) this.#served = { broker: serve(clients, port1), port: port1 };
    this.#worker = new Worker(workerFile, {
      name: `${plan.system}/${plan.consumer}`,
      workerData: { broker: port } satisfies ThreadData,
      transferList: port ? [port] : [],
      stdout: true,
      stderr: true,
      env: workerEnvironment(),
    });
    let done = false;
    let failure: WorkerFailure | undefined;

    this.#worker.on('message', (message: FromWorker) => {
      const last = passOn(message, events);
      if (last?.type === 'done') done = true;
      else if (last) failure = last;
    });
    passLines(this.#worker.stdout, this.#worker.stderr, events);
    this.#worker.on('error', (error) => {
      failure ??= failureOf(error);
    });
    this.#worker.on('exit', (exitCode) => {
      void this.#close(events).then(() => {
        events.onExit({ done, how: `its thread ended with exit code ${exitCode}`, failure });
      });
    });
    this.#tell({ type: 'plan', plan, broker: clients.remote });
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
    void this.#worker.terminate();
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async #close({ onLine }: ChildEvents): Promise<void> {
    if (!this.#served) return;
    try {
      this.#served.port.close();
      await (await this.#served.broker).close();
    } catch (error) {
      onLine(`its broker client could not be closed: ${errorMessage(error)}`);
    }
  }
}

/** Makes a broker client for who is at the other end of a port; what is asked for meanwhile waits there. */
async function serve(clients: NodeClients, port: MessagePort): Promise<Broker> {
  const broker = await clients.connect();
  serveBroker(broker, port, { exclusive: clients.exclusive });
  return broker;
}
