import type { Child, ChildEvents, ChildExit } from './child.js';
import { permanentErrors } from './protocol.js';
import type { WorkerPlan, WorkerReport } from './protocol.js';

export type NodeState = 'starting' | 'running' | 'restarting' | 'done' | 'failed';

/** One replica of a node. */
export interface NodeStatus {
  readonly node: string;
  readonly replica: number;
  readonly state: NodeState;
  /** The process that it runs in; undefined while it does not run. */
  readonly pid: number | undefined;
  readonly restarts: number;
  /** The worker's last report; undefined before the first. */
  readonly report: WorkerReport | undefined;
}

export interface ReplicaEvents {
  readonly onLog: (line: string) => void;
  /** Its state is another; `failure` is set when it is `failed`. */
  readonly onChange: (state: NodeState, failure?: { readonly code: string | undefined; readonly message: string }) => void;
}

const firstRestartMs = 200;
const longestRestartMs = 10_000;
/** Health for this long makes earlier restarts forgotten. */
const healthyMs = 60_000;

/** Keeps one replica of a node running: restarts it with exponential backoff, gives up after too many in a row. */
export class Replica {
  readonly plan: WorkerPlan;
  readonly #maxRestarts: number;
  readonly #startChild: (events: ChildEvents) => Child;
  readonly #events: ReplicaEvents;
  #child: Child | undefined;
  #state: NodeState = 'starting';
  #restarts = 0;
  /** Restarts without a minute of health between. */
  #inRow = 0;
  #startedAt = 0;
  #going = false;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;
  #report: WorkerReport | undefined;

  /** @param startChild - starts one run of it. */
  constructor(plan: WorkerPlan, maxRestarts: number, startChild: (events: ChildEvents) => Child, events: ReplicaEvents) {
    this.plan = plan;
    this.#maxRestarts = maxRestarts;
    this.#startChild = startChild;
    this.#events = events;
  }

  get ended(): boolean {
    return this.#state === 'done' || this.#state === 'failed';
  }

  status(): NodeStatus {
    return {
      node: this.plan.node,
      replica: this.plan.replica,
      state: this.#state,
      pid: this.#child?.pid,
      restarts: this.#restarts,
      report: this.#report,
    };
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#child = this.#startChild({
      onReady: () => {
        this.#change('running');
      },
      onReport: (report) => {
        this.#report = report;
      },
      onLine: this.#events.onLog,
      onExit: (exit) => {
        this.#exited(exit);
      },
    });
    if (this.#going) this.#child.go();
  }

  /** Lets a source begin; holds for later restarts too. */
  go(): void {
    this.#going = true;
    this.#child?.go();
  }

  stop(): void {
    if (this.#stopping || this.ended) return;
    this.#stopping = true;
    clearTimeout(this.#timer);
    if (this.#child) this.#child.stop();
    else this.#change('done');
  }

  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
    if (this.#child) this.#child.kill();
    else if (!this.ended) this.#change('done');
  }

  #exited({ done, how, failure }: ChildExit): void {
    this.#child = undefined;
    const message = failure?.message ?? how;
    // An error that a restart does not mend counts even when the node was about to end.
    const permanent = failure?.code !== undefined && permanentErrors.has(failure.code);
    if (done || (this.#stopping && !permanent)) {
      if (!done) this.#events.onLog(`${message}, while it was stopping`);
      this.#change('done');
      return;
    }
    if (performance.now() - this.#startedAt > healthyMs) this.#inRow = 0;
    if (permanent || this.#inRow >= this.#maxRestarts) {
      this.#change('failed', { code: permanent ? failure.code : undefined, message });
      return;
    }
    const delay = Math.min(longestRestartMs, firstRestartMs * 2 ** this.#inRow);
    this.#inRow++;
    this.#restarts++;
    this.#events.onLog(`${message}; restart ${this.#inRow} of ${this.#maxRestarts} in ${delay} ms`);
    this.#change('restarting');
    this.#timer = setTimeout(() => {
      this.start();
    }, delay);
  }

  #change(state: NodeState, failure?: { readonly code: string | undefined; readonly message: string }): void {
    this.#state = state;
    this.#events.onChange(state, failure);
  }
}
