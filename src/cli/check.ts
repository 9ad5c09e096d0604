import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { checkSystem, Interrupted } from '../check/check.js';
import type { CheckedRun, CheckResult } from '../check/check.js';
import type { StoreKind } from '../check/store.js';
import { describeError, EdgeFlowError } from '../errors.js';
import { formatDuration } from './duration.js';
import { loadSystem } from './loadSystem.js';

/** What `check` takes from the command line. */
export interface CheckFlags {
  readonly broker: StoreKind;
  readonly runs: number;
  readonly seed?: number;
  /** Milliseconds. */
  readonly for: number;
  /** Milliseconds. */
  readonly drain: number;
  readonly faults: number;
  readonly shrinks: number;
  readonly schedule?: string;
  readonly before?: string;
  readonly json?: boolean;
}

/** Options of the command line that a repeated run needs, and what they are when they are not given. */
export const checkDefaults = { broker: 'embedded', runs: 5, for: 5_000, drain: 10_000, faults: 3, shrinks: 20 } as const;

/** Exit codes: the contract held; it was broken; there was nothing to check. */
const [held, broke, unusable, interrupted] = [0, 1, 2, 130];

const largestSeed = 2 ** 31 - 1;

/** Checks a system under faults, prints what was found, and sets the exit code. */
export async function checkEntry(path: string, args: readonly string[], flags: CheckFlags): Promise<void> {
  // In JSON mode standard output has the result alone.
  const say = flags.json ? console.error : console.log;
  const seed = flags.seed ?? randomInt(largestSeed);
  const abort = new AbortController();
  const interrupt = (): void => {
    if (abort.signal.aborted) process.exit(interrupted);
    say('stopping; once more ends at once');
    abort.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  try {
    const { entry, system } = await loadSystem(path, args);
    if (flags.schedule === undefined) say(`checking ${system.name}: ${flags.runs} runs under faults, seed ${seed}`);
    let count = 0;
    const result = await checkSystem(system, {
      entry,
      broker: flags.broker,
      forMs: flags.for,
      drainMs: flags.drain,
      runs: flags.runs,
      faults: flags.faults,
      shrinks: flags.shrinks,
      seed,
      schedule: flags.schedule,
      signal: abort.signal,
      before: () => {
        if (flags.before !== undefined) runBefore(flags.before);
      },
      onRun: (run) => {
        say(progress(run, ++count));
      },
    });
    const repeat = result.broken && repeatCommand(path, args, flags, result.broken);
    if (flags.json) console.log(JSON.stringify({ system: system.name, seed, ok: !result.broken, ...result, repeat }, undefined, 2));
    else console.log(report(result, repeat));
    process.exitCode = result.broken ? broke : held;
  } catch (error) {
    if (error instanceof Interrupted) process.exitCode = interrupted;
    else {
      console.error(error instanceof EdgeFlowError ? describeError(error) : error);
      process.exitCode = unusable;
    }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
  }
  // A node that hung while it started has left its process and its waits behind.
  process.exit();
}

/** The user's own command, as a shell reads it. */
function runBefore(command: string): void {
  const { status, error, signal } = spawnSync(command, { shell: true, stdio: ['ignore', 'ignore', 'inherit'] });
  if (error || status !== 0)
    throw new EdgeFlowError('OPTIONS_INVALID', `--before '${command}' ended with ${error?.message ?? signal ?? `exit code ${status}`}`);
}

const purposes: Record<CheckedRun['purpose'], string> = { calm: 'without faults', faults: 'faults', shrink: 'smaller' };

function progress({ purpose, schedule, findings, missed, tookMs }: CheckedRun, count: number): string {
  const what = purpose === 'calm' ? purposes.calm : `${purposes[purpose]}: ${schedule}`;
  const outcome = findings.length === 0 ? 'kept' : `BROKEN (${findings.map(({ kind }) => kind).join(', ')})`;
  const unhit = missed > 0 ? `, ${missed} of its faults found no process` : '';
  return `run ${count}, ${what}: ${outcome} in ${(tookMs / 1_000).toFixed(1)} s${unhit}`;
}

function report({ runs, broken, leftovers }: CheckResult, repeat: string | undefined): string {
  const notes = [...new Set(runs.flatMap((run) => run.notes))].map((note) => `note: ${note}`);
  if (!broken) return [...notes, '', `the contract held in ${runs.length === 1 ? 'the one run' : `all ${runs.length} runs`}`].join('\n');
  const head = broken.purpose === 'calm' ? 'the contract is broken even without faults:' : `the contract is broken by: ${broken.schedule}`;
  // Two findings about one node have the same lines to show.
  const lines = new Set(broken.findings.flatMap(({ message, evidence }) => [`- ${message}`, ...evidence.map((line) => `    ${line}`)]));
  const after =
    leftovers.length > 0
      ? [
          'After that the system fails without faults too: it leaves something behind outside its broker and its TMPDIR, so no smaller',
          'schedule was looked for. Clear it before each run with --before <command>',
        ]
      : [];
  return [...notes, '', head, ...lines, ...after, '', 'to repeat it:', `  ${repeat ?? ''}`].join('\n');
}

/** The command that makes the same run again. */
function repeatCommand(path: string, args: readonly string[], flags: CheckFlags, { schedule }: CheckedRun): string {
  const words = ['npx', 'edgeflow', 'check', path];
  if (flags.broker !== checkDefaults.broker) words.push('--broker', flags.broker);
  if (flags.for !== checkDefaults.for) words.push('--for', formatDuration(flags.for));
  if (flags.drain !== checkDefaults.drain) words.push('--drain', formatDuration(flags.drain));
  if (flags.before !== undefined) words.push('--before', flags.before);
  words.push('--schedule', schedule);
  if (args.length > 0) words.push('--', ...args);
  return words.map(quoted).join(' ');
}

/** A word as a POSIX shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
