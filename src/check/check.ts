import { checkGraph } from '../system/graph.js';
import type { System } from '../system/system.js';
import { loadFastCheck, scheduleArbitrary } from './arbitrary.js';
import type { FastCheck } from './arbitrary.js';
import { judge } from './findings.js';
import type { Finding, Verdict } from './findings.js';
import { observeRun } from './observe.js';
import type { Observation, RunSettings } from './observe.js';
import { formatSchedule, parseSchedule } from './schedule.js';
import type { FaultTargets, Schedule } from './schedule.js';

/** Options of {@link checkSystem}. */
export interface CheckOptions extends RunSettings {
  /** Runs with random faults, after the one without. */
  readonly runs: number;
  /** Most faults of a run. */
  readonly faults: number;
  /** Most runs that may be spent on finding a smaller schedule. */
  readonly shrinks: number;
  readonly seed: number;
  /** This schedule alone, in place of random ones. */
  readonly schedule: string | undefined;
  /** Called before each run, to clear what nodes leave outside the broker. */
  readonly before: () => void;
  /** Called after each run. */
  readonly onRun: (run: CheckedRun) => void;
}

/** One run and what was found. */
export interface CheckedRun extends Verdict {
  /** As text; see `parseSchedule`. */
  readonly schedule: string;
  /** What the run was for. */
  readonly purpose: 'calm' | 'faults' | 'shrink';
  /** Faults that found no process. */
  readonly missed: number;
  readonly tookMs: number;
}

/** The outcome of a check. */
export interface CheckResult {
  readonly runs: readonly CheckedRun[];
  /** The smallest run that was seen to break the contract; undefined when none did. */
  readonly broken: CheckedRun | undefined;
  /** After `broken`, the system fails without faults too: what a run leaves behind outside the broker breaks the next. */
  readonly leftovers: readonly Finding[];
}

/** No fault comes later than this share of a run: its effects are to be seen before the stop. */
const latestFault = 0.9;

/** What of a system faults may be aimed at. */
function targetsOf(system: System, { entry, broker }: Pick<RunSettings, 'entry' | 'broker'>): FaultTargets {
  const graph = system.graph(entry);
  checkGraph(graph);
  return {
    nodes: [...graph.nodes.values()].map(({ name, replicas }) => ({ name, replicas })),
    restartable: broker === 'redis',
  };
}

/**
 * Runs a system again and again on temporary brokers, first without faults and then under random ones, and looks for a
 * schedule, the smallest one, under which it breaks the contract.
 *
 * @throws EdgeFlowError `SCHEDULE_INVALID`, `DEPENDENCY_MISSING`, or what keeps the system from being run at all.
 */
export async function checkSystem(system: System, options: CheckOptions): Promise<CheckResult> {
  return new Checker(system, options).check();
}

class Checker {
  readonly #system: System;
  readonly #options: CheckOptions;
  readonly #runs: CheckedRun[] = [];
  /** By the schedule's text: shrinking comes back to what was tried. */
  readonly #known = new Map<string, CheckedRun>();
  #baseline: Observation | undefined;
  /** The smallest run so far that broke the contract. */
  #broken: CheckedRun | undefined;
  #leftovers: readonly Finding[] = [];
  #shrinks = 0;
  /** An error of the check itself, or of what it runs on. */
  #trouble: { readonly error: unknown } | undefined;

  constructor(system: System, options: CheckOptions) {
    this.#system = system;
    this.#options = options;
  }

  async check(): Promise<CheckResult> {
    const targets = targetsOf(this.#system, this.#options);
    const { schedule: text } = this.#options;
    const given = text === undefined ? undefined : parseSchedule(text, targets);
    const fc = given === undefined && this.#options.runs > 0 ? await loadFastCheck() : undefined;

    const calm = await this.#run([], 'calm');
    if (calm.findings.length > 0) return this.#result(calm);
    if (given !== undefined) {
      if (given.length === 0) return this.#result(undefined);
      const run = await this.#run(given, 'faults');
      return this.#result(run.findings.length > 0 ? run : undefined);
    }
    return fc ? this.#search(fc, targets) : this.#result(undefined);
  }

  async #search(fc: FastCheck, targets: FaultTargets): Promise<CheckResult> {
    const { faults: maxFaults, forMs, runs: numRuns, seed } = this.#options;
    const withinMs = Math.min(forMs, this.#baseline?.ranMs ?? forMs) * latestFault;
    const property = fc.asyncProperty(scheduleArbitrary(fc, targets, { maxFaults, withinMs }), (schedule) => this.#holds(schedule));
    await fc.check(property, { seed, numRuns });
    if (this.#trouble) throw this.#trouble.error;
    return this.#result(this.#broken);
  }

  /** The property: a run under a schedule keeps the contract. */
  async #holds(schedule: Schedule): Promise<boolean> {
    // A candidate that counts as whole ends the search, for a smaller one too.
    if (this.#trouble || this.#leftovers.length > 0) return true;
    try {
      const known = this.#known.get(formatSchedule(schedule));
      if (!known && this.#broken && this.#shrinks++ >= this.#options.shrinks) return true;
      const run = known ?? (await this.#run(schedule, this.#broken ? 'shrink' : 'faults'));
      if (run.findings.length === 0) return true;
      const first = !this.#broken;
      this.#broken = run;
      // Processes that hang are still there, and would be in the way of further runs.
      if (run.findings.some(({ kind }) => kind === 'not-started')) this.#shrinks = this.#options.shrinks;
      else if (first) this.#leftovers = (await this.#run([], 'calm')).findings;
      return false;
    } catch (error) {
      this.#trouble = { error };
      return true;
    }
  }

  async #run(schedule: Schedule, purpose: CheckedRun['purpose']): Promise<CheckedRun> {
    const { before, onRun } = this.#options;
    const text = formatSchedule(schedule);
    this.#goOn();
    before();
    const begun = performance.now();
    const observation = await observeRun(this.#system, schedule, this.#options);
    this.#goOn();
    if (purpose === 'calm') this.#baseline ??= observation;
    const run: CheckedRun = {
      schedule: text,
      purpose,
      ...judge(observation, purpose === 'calm' ? undefined : this.#baseline),
      missed: observation.missed.length,
      tookMs: performance.now() - begun,
    };
    this.#known.set(text, run);
    this.#runs.push(run);
    onRun(run);
    return run;
  }

  #goOn(): void {
    if (this.#options.signal.aborted) throw new Interrupted();
  }

  #result(broken: CheckedRun | undefined): CheckResult {
    return { runs: this.#runs, broken, leftovers: this.#leftovers };
  }
}

/** The check was ended from outside. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
  }
}
