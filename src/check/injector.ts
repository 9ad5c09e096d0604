import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningSystem } from '../system/runningSystem.js';
import { formatTarget } from './schedule.js';
import type { Fault, FaultTarget, Schedule } from './schedule.js';

/** One turn of a slowed process: a share of it running, the rest stopped. */
const slowTurnMs = 60;

/** What the injector did. */
export interface Injected {
  /** Kills that met a living process, by `node#replica`. */
  readonly kills: ReadonlyMap<string, number>;
  /** Faults that found nothing to break: the process was being restarted, or the run was over. */
  readonly missed: readonly Fault[];
}

/** Breaks the processes of a running system at the times of a schedule. */
export class Injector implements Injected {
  readonly kills = new Map<string, number>();
  readonly missed: Fault[] = [];
  readonly #system: Pick<RunningSystem, 'status'>;
  readonly #restartBroker: (() => Promise<void>) | undefined;
  /** How many faults hold a process stopped. */
  readonly #stopped = new Map<number, number>();

  constructor(system: Pick<RunningSystem, 'status'>, restartBroker: (() => Promise<void>) | undefined) {
    this.#system = system;
    this.#restartBroker = restartBroker;
  }

  /** Resolves when all faults are over; an abort ends them early, and lets all processes go on. */
  async run(schedule: Schedule, signal: AbortSignal): Promise<void> {
    // A process that stays stopped would outlive this one.
    const letGo = (): void => {
      for (const pid of this.#stopped.keys()) send(pid, 'SIGCONT');
    };
    process.on('exit', letGo);
    try {
      await Promise.all(schedule.map((fault) => this.#inject(fault, signal)));
    } finally {
      process.off('exit', letGo);
    }
  }

  async #inject(fault: Fault, signal: AbortSignal): Promise<void> {
    await pause(fault.atMs, signal);
    if (signal.aborted) {
      this.missed.push(fault);
      return;
    }
    if (fault.kind === 'restart') {
      await this.#restartBroker?.();
      return;
    }
    const pid = this.#pidOf(fault.target);
    if (pid === undefined || !alive(pid)) {
      this.missed.push(fault);
      return;
    }
    if (fault.kind === 'kill') {
      const name = formatTarget(fault.target);
      if (send(pid, 'SIGKILL')) this.kills.set(name, (this.kills.get(name) ?? 0) + 1);
    } else if (fault.kind === 'pause') await this.#stop(pid, fault.forMs, signal);
    else await this.#slow(pid, fault.forMs, fault.factor, signal);
  }

  async #slow(pid: number, forMs: number, factor: number, signal: AbortSignal): Promise<void> {
    const runMs = slowTurnMs / factor;
    const end = performance.now() + forMs;
    while (performance.now() < end && !signal.aborted && alive(pid)) {
      await this.#stop(pid, slowTurnMs - runMs, signal);
      await pause(runMs, signal);
    }
  }

  async #stop(pid: number, forMs: number, signal: AbortSignal): Promise<void> {
    this.#stopped.set(pid, (this.#stopped.get(pid) ?? 0) + 1);
    send(pid, 'SIGSTOP');
    await pause(forMs, signal);
    const left = (this.#stopped.get(pid) ?? 1) - 1;
    if (left > 0) this.#stopped.set(pid, left);
    else {
      this.#stopped.delete(pid);
      send(pid, 'SIGCONT');
    }
  }

  #pidOf({ node, replica }: FaultTarget): number | undefined {
    return this.#system.status().find((status) => status.node === node && status.replica === replica)?.pid;
  }
}

/** Waits; an abort ends the wait. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function alive(pid: number): boolean {
  return send(pid, 0);
}

/** @returns false when there is no such process. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}
