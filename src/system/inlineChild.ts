import type { Broker } from '../brokers/broker.js';
import { deferred } from '../deferred.js';
import { errorMessage } from '../errors.js';
import { Gate } from '../flow/gate.js';
import { findTelemetry } from '../observe/openTelemetry.js';
import { failureOf } from './child.js';
import type { Child, ChildEvents, WorkerFailure } from './child.js';
import { loadNode } from './nodeModule.js';
import type { NodeClients } from './nodeClients.js';
import type { NodeOperator } from './node.js';
import { NodeRunner } from './nodeRunner.js';
import { runNode } from './runNode.js';
import type { WorkerPlan } from './protocol.js';

/** A replica in the thread of the supervisor. It has a broker client of its own, as it would have in a process. */
export class InlineChild implements Child {
  readonly pid = process.pid;
  readonly #plan: WorkerPlan;
  readonly #events: ChildEvents;
  readonly #stop = new AbortController();
  readonly #gate: Gate;
  readonly #go = deferred<undefined>();
  readonly #killed = deferred<undefined>();

  /** @param operator - undefined for a node of a module. */
  constructor(plan: WorkerPlan, operator: NodeOperator | undefined, clients: NodeClients, events: ChildEvents) {
    this.#plan = plan;
    this.#events = events;
    this.#gate = new Gate(() => {
      events.onPaused();
    });
    void this.#run(operator, clients);
  }

  go(): void {
    this.#go.resolve(undefined);
  }

  pause(): void {
    this.#gate.pause();
  }

  resume(): void {
    this.#gate.resume();
  }

  stop(): void {
    this.#stop.abort();
    this.go();
  }

  kill(): void {
    this.#killed.resolve(undefined);
  }

  async #run(inline: NodeOperator | undefined, clients: NodeClients): Promise<void> {
    const { onReady, onReport, onLine, onExit } = this.#events;
    let done = false;
    let failure: WorkerFailure | undefined;
    let broker: Broker | undefined;
    let runner: NodeRunner | undefined;
    try {
      broker = await clients.connect();
      await broker.open();
      const operator = inline ?? (await loadNode(this.#plan.node, this.#plan.module ?? ''));
      const telemetry = await findTelemetry(this.#plan.node);
      runner = new NodeRunner(this.#plan, operator, broker, { stop: this.#stop.signal, gate: this.#gate, log: onLine, telemetry });
      const ended = runNode(runner, { go: this.#go.promise, onReady, onReport });
      done = await Promise.race([ended, this.#killed.promise.then(() => false)]);
    } catch (error) {
      failure = failureOf(error);
    }
    runner?.unsubscribe();
    // One that was killed before it could begin would wait, and report, for ever.
    this.go();
    await broker?.close().catch((error: unknown) => {
      onLine(`its broker client could not be closed: ${errorMessage(error)}`);
    });
    onExit({ done, how: 'its stream was cut off', failure });
  }
}
