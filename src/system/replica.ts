import type { Subscription } from 'rxjs';
import { afterMs } from '../longTimer.js';
import type { NodeState } from '../observe/observed.js';
import type { Child, ChildEvents, ChildExit } from './child.js';
import type { LogFields } from './log.js';
import { permanentErrors } from './protocol.js';
import type { WorkerPlan, WorkerReport } from './protocol.js';
import { addReports } from './reports.js';
import type { TraceReport } from '../observe/trace.js';

/** Measures of a replica. */
export type NodeReport = Omit<WorkerReport, 'trace'>;

/** One replica of a node. */
export interface NodeStatus {
  readonly node: string;
  readonly replica: number;
  readonly state: NodeState;
  /** The process that it runs in; undefined while it does not run. */
  readonly pid: number | undefined;
  readonly restarts: number;
  /** Set for the nodes that only look on. */
  readonly shadow?: true;
  /** What its workers have reported, with counts of all its runs together; undefined before the first report. */
  readonly report: NodeReport | undefined;
}

export interface ReplicaEvents {
  readonly onTrace: (trace: TraceReport) => void;
  readonly onLog: (line: string, fields?: LogFields) => void;
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
  #report: NodeReport | undefined;
  /** Of the runs before this one. */
  #earlier: NodeReport | undefined;
  /** Whether it is to take nothing, in later runs too. */
  #held = false;
  /** Whether the child has said that it takes nothing. */
  #idle = false;
  #draining = false;
  /** Stopped in order to be started again. */
  #again = false;
  #killTimer: Subscription | undefined;
  readonly #waiting = new Set<() => void>();

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

  /** Whether its stream completed before it was to end. */
  get completed(): boolean {
    return this.#state === 'done' && !this.#stopping;
  }

  get draining(): boolean {
    return this.#draining;
  }

  status(): NodeStatus {
    return {
      node: this.plan.node,
      replica: this.plan.replica,
      state: this.#draining && this.#state === 'running' ? 'draining' : this.#state,
      pid: this.#child?.pid,
      restarts: this.#restarts,
      report: this.#report,
    };
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#earlier = this.#report;
    this.#idle = false;
    this.#child = this.#startChild({
      onReady: () => {
        this.#change(this.#held && this.#idle ? 'paused' : 'running');
      },
      onReport: ({ trace, ...report }) => {
        this.#report = this.#earlier ? addReports(this.#earlier, report) : report;
        this.#events.onTrace(trace);
      },
      onPaused: () => {
        this.#idle = true;
        if (this.#held && this.#state === 'running') this.#change('paused');
      },
      onLine: this.#events.onLog,
      onExit: (exit) => {
        this.#exited(exit);
      },
    });
    if (this.#held) this.#child.pause();
    if (this.#going) this.#child.go();
  }

  /** Takes nothing more, in later runs too; resolves when it has settled what it had open, or ended. */
  async pause(): Promise<void> {
    this.#held = true;
    this.#child?.pause();
    await this.#until(() => !this.#held || this.#state === 'paused');
    this.#draining = false;
  }

  resume(): void {
    this.#draining = false;
    if (!this.#held) return;
    this.#held = false;
    this.#idle = false;
    this.#child?.resume();
    this.#change(this.#state === 'paused' ? 'running' : this.#state);
  }

  /** Works off what is pending: shown in its state until it is paused or resumed. */
  drain(): void {
    this.resume();
    this.#draining = true;
  }

  /**
   * Ends it and starts it anew; resolves when it runs again, or has ended for good.
   *
   * @param graceMs - how long it may take to settle what it has open.
   */
  async restart(graceMs: number): Promise<void> {
    if (this.ended || this.#stopping) return;
    const child = this.#child;
    if (child) {
      this.#again = true;
      child.stop();
      this.#killTimer ??= afterMs(graceMs, () => {
        this.#events.onLog('did not end in time and is killed', { level: 'warn' });
        child.kill();
      });
    } else {
      clearTimeout(this.#timer);
      this.start();
    }
    await this.#until(() => !this.#again && (this.#state === 'running' || this.#state === 'paused'));
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
    this.#killTimer?.unsubscribe();
    this.#killTimer = undefined;
    const message = failure?.message ?? how;
    // An error that a restart does not mend counts even when the node was about to end.
    const permanent = failure?.code !== undefined && permanentErrors.has(failure.code);
    const again = this.#again && !this.#stopping && !permanent;
    this.#again = false;
    if (again) {
      this.#change('restarting');
      this.start();
      return;
    }
    if (done || (this.#stopping && !permanent)) {
      if (!done) this.#events.onLog(`${message}, while it was stopping`, { level: 'warn', code: failure?.code });
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
    this.#events.onLog(`${message}; restart ${this.#inRow} of ${this.#maxRestarts} in ${delay} ms`, {
      level: 'error',
      code: failure?.code,
    });
    this.#change('restarting');
    this.#timer = setTimeout(() => {
      this.start();
    }, delay);
  }

  #change(state: NodeState, failure?: { readonly code: string | undefined; readonly message: string }): void {
    this.#state = state;
    this.#events.onChange(state, failure);
    for (const wake of [...this.#waiting]) wake();
  }

  /** Waits for a condition, which changes of state bring about; or for its end. */
  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.ended && !holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
