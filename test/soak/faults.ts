import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '#operators/scene/random.js';
import { signal } from './processes.js';
import type { Stage } from './stage.js';
import type { Supervised } from './supervised.js';

/** One fault that was done to a run. */
export interface Fault {
  /** Seconds since the run began. */
  readonly at: number;
  readonly kind: 'kill' | 'pause' | 'restart';
  /** The process, such as `transform-1`, `control` or `supervisor`. */
  readonly target: string;
  /** How long it stood still or was away, in milliseconds; a killed worker is started again by the supervisor. */
  readonly forMs?: number;
}

export interface FaultOptions {
  readonly everyMs: number;
  readonly longestPauseMs: number;
  readonly killSupervisor: boolean;
  /** @defaultValue no limit */
  readonly mostFaults?: number | undefined;
}

const longestAwayMs = 1_000;
/** Faults may hit a system that is still recovering from others, but not so many that it never gets to work. */
const mostInRow = 3;

/** Does random faults, one after the other, to a running system. */
export class Faults {
  readonly done: Fault[] = [];
  readonly #system: Supervised;
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #options: FaultOptions;
  /** Targets that are standing still or away. */
  readonly #busy = new Map<string, Promise<void>>();
  readonly #failures: unknown[] = [];
  /** Faults since messages last came through. */
  #inRow = 0;
  readonly #began = performance.now();

  constructor(system: Supervised, stage: Stage, random: Random, options: FaultOptions) {
    this.#system = system;
    this.#stage = stage;
    this.#random = random;
    this.#options = options;
  }

  /** Goes on until the signal is aborted; then waits until all that was away is back. */
  async run(until: AbortSignal): Promise<void> {
    const { everyMs, mostFaults = Infinity } = this.#options;
    for (;;) {
      // Aborted, it is only shorter.
      await sleep(this.#random.between(0.5, 1.5) * everyMs, undefined, { signal: until }).catch(() => undefined);
      if (until.aborted || this.done.length >= mostFaults) break;
      if (this.#inRow < mostInRow) this.#next();
    }
    await Promise.all(this.#busy.values());
    if (this.#failures.length > 0) throw new AggregateError(this.#failures, 'a fault could not be undone');
  }

  /** Messages have come through since the last fault. */
  moved(): void {
    this.#inRow = 0;
  }

  #next(): void {
    this.#inRow++;
    const servers = Object.keys(this.#stage.servers);
    const draw = this.#random.next();
    if (this.#options.killSupervisor && draw < 0.1) this.#killSupervisor();
    else if (servers.length > 0 && draw < 0.4) this.#restartServers(this.#random.pick([[servers[0]], [servers[1]], servers]));
    else if (draw < 0.65) this.#pauseWorker();
    else this.#killWorker();
  }

  #killSupervisor(): void {
    if (this.#busy.has('supervisor') || this.#system.pid === undefined) return;
    const forMs = Math.round(this.#random.between(0, longestAwayMs));
    this.#away('restart', 'supervisor', forMs, async () => {
      await this.#system.kill();
      await sleep(forMs);
      this.#system.start(true);
    });
  }

  #restartServers(names: readonly (string | undefined)[]): void {
    const forMs = Math.round(this.#random.between(0, longestAwayMs));
    for (const name of names) {
      const server = name === undefined ? undefined : this.#stage.servers[name];
      if (!server || name === undefined || this.#busy.has(name)) continue;
      this.#away('restart', name, forMs, async () => {
        await server.kill();
        await sleep(forMs);
        await server.start();
      });
    }
  }

  #pauseWorker(): void {
    const [name, pid] = this.#worker();
    const forMs = Math.round(this.#random.between(100, this.#options.longestPauseMs));
    if (name === undefined || pid === undefined || !signal(pid, 'SIGSTOP')) return;
    this.#away('pause', name, forMs, async () => {
      await sleep(forMs);
      signal(pid, 'SIGCONT');
    });
  }

  #killWorker(): void {
    const [name, pid] = this.#worker();
    if (name !== undefined && pid !== undefined && signal(pid, 'SIGKILL')) this.#note({ kind: 'kill', target: name });
  }

  /** A worker that runs; most nodes have one, so that a node is as likely as another. */
  #worker(): readonly [name: string, pid: number] | readonly [] {
    const workers = [...this.#system.workers()].filter(([name]) => !this.#busy.has(name));
    return workers[Math.floor(this.#random.next() * workers.length)] ?? [];
  }

  #away(kind: Fault['kind'], target: string, forMs: number, fault: () => Promise<void>): void {
    this.#note({ kind, target, forMs });
    const over = fault()
      .catch((error: unknown) => this.#failures.push(error))
      .then(() => void this.#busy.delete(target));
    this.#busy.set(target, over);
  }

  #note(fault: Omit<Fault, 'at'>): void {
    this.done.push({ at: Math.round(performance.now() - this.#began) / 1_000, ...fault });
  }
}
