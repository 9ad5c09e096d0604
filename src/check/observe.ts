import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker, DeadLetter } from '../brokers/broker.js';
import { drawLedger } from '../observe/ledger.js';
import type { Ledger } from '../observe/ledger.js';
import { codeOf } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { Graph } from '../system/graph.js';
import type { NodeStatus } from '../system/replica.js';
import type { RunningSystem } from '../system/runningSystem.js';
import type { System } from '../system/system.js';
import { Injector, pause } from './injector.js';
import type { Injected } from './injector.js';
import type { Schedule } from './schedule.js';
import { temporaryStore } from './store.js';
import type { StoreKind } from './store.js';

/** How each run goes. */
export interface RunSettings {
  /** Path of the entry module. */
  readonly entry: string;
  readonly broker: StoreKind;
  /** How long the system runs before it is stopped, in milliseconds. */
  readonly forMs: number;
  /** How long it may then take to consume what is left. */
  readonly drainMs: number;
  /** Aborted: the run ends early. */
  readonly signal: AbortSignal;
}

/** What was seen of one run. */
export interface Observation extends Injected {
  readonly graph: Graph;
  readonly schedule: Schedule;
  readonly drainMs: number;
  /** At the end, read by a client of its own when all workers had closed. */
  readonly ledger: Ledger;
  readonly deadLetters: readonly (DeadLetter & { readonly source: string })[];
  /** What made the system give up. */
  readonly failure: unknown;
  readonly status: readonly NodeStatus[];
  /** Nodes that were still there when the time for the drain was over. */
  readonly late: readonly string[];
  /** Counts that fell, or did not add up, while it ran. */
  readonly drifts: readonly string[];
  /** The last lines that each node logged. */
  readonly logs: ReadonlyMap<string, readonly string[]>;
  /** From the moment at which it ran to the stop, or to its own end, in milliseconds. */
  readonly ranMs: number;
}

/** Errors of the entry, the graph or the broker: there is nothing to check then. */
const notRunnable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'GRAPH_INVALID',
  'NODE_MODULE_MISSING',
  'NODE_MODULE_INVALID',
  'WORKER_MISMATCH',
  'BROKER_CONFIG',
  'BROKER_MISSING_DEPENDENCY',
]);

const startMs = 30_000;

/** The system's processes were started, but not all became ready. */
export class NotStarted extends Error {
  constructor() {
    super(
      `the system had not started after ${startMs} ms: the module of a node never finishes loading, or its process hangs before it reads`,
    );
  }
}

const sampleMs = 400;
const keptLines = 12;

/** Runs a system on a store of its own under a schedule of faults, stops it, and looks at what became of its messages. */
export async function observeRun(system: System, schedule: Schedule, settings: RunSettings): Promise<Observation> {
  const store = await temporaryStore(settings.broker);
  const restoreTemporary = ownTemporaryFolder();
  const logs = new Map<string, string[]>();
  const graph = system.graph(settings.entry);
  try {
    const { running, failure: startFailure } = await start(system, settings, store.connect(), logs);
    const injector = new Injector(running ?? { status: () => [] }, store.restart);
    const ran = running ? await runAndDrain(running, injector, schedule, settings) : notStarted;
    const client = store.connect();
    try {
      const stats = await client.stats();
      const letters = await Promise.all(
        stats
          .filter(({ deadLetters }) => deadLetters > 0)
          .map(async ({ topic }) => (await client.deadLetters(topic)).map((letter) => ({ ...letter, source: topic }))),
      );
      return {
        graph,
        schedule,
        drainMs: settings.drainMs,
        ledger: drawLedger(graph.links, stats),
        deadLetters: letters.flat(),
        logs,
        kills: injector.kills,
        missed: injector.missed,
        ...ran,
        failure: startFailure ?? ran.failure,
      };
    } finally {
      await client.close();
    }
  } finally {
    restoreTemporary();
    await store.dispose();
  }
}

type Ran = Pick<Observation, 'failure' | 'status' | 'late' | 'drifts' | 'ranMs'>;

const notStarted: Ran = { failure: undefined, status: [], late: [], drifts: [], ranMs: 0 };

/**
 * Nodes see a temporary folder that is new in each run: what one run leaves in it does not reach the next.
 *
 * @returns brings back what was before, and deletes the folder.
 */
function ownTemporaryFolder(): () => void {
  const before = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), 'edgeflow-check-'));
  process.env.TMPDIR = folder;
  return () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true, force: true });
  };
}

async function start(
  system: System,
  { entry, drainMs }: RunSettings,
  broker: Broker,
  logs: Map<string, string[]>,
): Promise<{ readonly running?: RunningSystem; readonly failure?: unknown }> {
  const onLog = (node: string, line: string): void => {
    const lines = logs.get(node) ?? [];
    logs.set(node, lines);
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
  };
  const started = new AbortController();
  try {
    const late = pause(startMs, started.signal).then(() => {
      throw new NotStarted();
    });
    late.catch(() => undefined);
    return {
      running: await Promise.race([system.run({ broker, entry, drainMs, onLog, handleSignals: false, isolation: 'process' }), late]),
    };
  } catch (failure) {
    const code = codeOf(failure);
    if (code !== undefined && notRunnable.has(code)) throw failure;
    return { failure };
  } finally {
    started.abort();
  }
}

async function runAndDrain(running: RunningSystem, injector: Injector, schedule: Schedule, settings: RunSettings): Promise<Ran> {
  const begun = performance.now();
  const over = new AbortController();
  const interrupt = (): void => {
    over.abort();
  };
  if (settings.signal.aborted) interrupt();
  settings.signal.addEventListener('abort', interrupt, { once: true });
  const ended = running.done.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const watch = watchCounts(running, over.signal);
  const faults = injector.run(schedule, over.signal);
  await Promise.race([pause(settings.forMs, over.signal), ended]);
  const ranMs = performance.now() - begun;
  over.abort();
  await faults;
  const drifts = await watch;
  let late: string[] = [];
  const deadline = setTimeout(() => {
    late = running
      .status()
      .filter(({ state }) => state !== 'done' && state !== 'failed')
      .map(({ node }) => node);
  }, settings.drainMs);
  await running.stop();
  clearTimeout(deadline);
  settings.signal.removeEventListener('abort', interrupt);
  const failed = await ended;
  return { failure: failed?.error, status: running.status(), late: [...new Set(late)], drifts, ranMs };
}

/** Draws the ledger again and again: at every moment it must add up, and no count of what is done may fall. */
async function watchCounts(running: RunningSystem, signal: AbortSignal): Promise<string[]> {
  const drifts: string[] = [];
  let before: Ledger | undefined;
  while (!signal.aborted) {
    const ledger = await running.ledger().catch(() => undefined);
    // A broker that is away for a moment is the schedule's doing.
    if (ledger) {
      drifts.push(...driftsBetween(before, ledger));
      before = ledger;
    }
    await pause(sampleMs, signal);
  }
  return [...new Set(drifts)];
}

function driftsBetween(before: Ledger | undefined, now: Ledger): string[] {
  return now.links.flatMap((link) => {
    const name = `${link.source} → ${link.target}`;
    const found = link.balanced ? [] : [`the counts of ${name} did not add up while it ran`];
    const earlier = before?.links.find(({ source, target }) => source === link.source && target === link.target);
    for (const column of ['published', 'acked', 'dead', 'delivered', 'skipped'] as const)
      if (earlier && link[column] < earlier[column])
        found.push(`'${column}' of ${name} fell from ${earlier[column]} to ${link[column]} while it ran`);
    return found;
  });
}
