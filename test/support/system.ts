import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EmbeddedBroker, MemoryBroker } from 'edgeflow';
import type { Broker, Isolation, Ledger, LinkLedger, RunningSystem, RunOptions, System } from 'edgeflow';
import { afterAll, afterEach, describe } from 'vitest';
import { sharedMemoryFolder } from '#src/brokers/embedded/directory.js';
import type { CommonBrokerOptions } from '#src/brokers/options.js';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';

const fixtures = resolve(import.meta.dirname, '../fixtures/apps');

/** Absolute path of a fixture app or node. */
export function fixture(path: string): string {
  return join(fixtures, path);
}

/** A node module of the fixtures. */
export function nodeFile(
  name:
    | 'counter'
    | 'recorder'
    | 'misbehaving'
    | 'joiner'
    | 'crashing'
    | 'stuck'
    | 'filming'
    | 'slowEye'
    | 'lookingBack'
    | 'threshold'
    | 'comparing'
    | 'looping'
    | 'metronome',
): string {
  return fixture(`nodes/${name}.ts`);
}

/** A temporary folder for the tests of this file, deleted after each. */
export function temporaryFolder(): { path(name: string): string } {
  let folder: string | undefined;
  afterEach(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  });
  return {
    path: (name) => join((folder ??= mkdtempSync(join(tmpdir(), 'edgeflow-test-'))), name),
  };
}

/** One line of the fixture node `recorder`. */
export interface RecordedLine {
  readonly node: string;
  readonly pid: number;
  readonly value: number;
  readonly label?: string;
}

export function readLines(file: string): RecordedLine[] {
  if (!existsSync(file)) return [];
  // What follows the last line end is being written.
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as RecordedLine);
}

const stores: string[] = [];

afterAll(() => {
  for (const store of stores.splice(0)) rmSync(store, { recursive: true, force: true });
});

/** A fresh folder for an embedded broker, deleted after the tests of the file. */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'edgeflow-test-'));
  stores.push(directory);
  return directory;
}

/** A fresh embedded broker that no other test shares. */
export function freshEmbedded(options: CommonBrokerOptions = {}): Broker {
  return new EmbeddedBroker({ ...options, directory: freshDirectory() });
}

/** Runs the same tests on the embedded broker and on a pair of Redis servers. */
export function onBothBrokers(tests: (makeBroker: (options?: CommonBrokerOptions) => Broker) => void): void {
  describe('embedded', () => {
    tests(freshEmbedded);
  });
  describe('two Redises', () => {
    tests((options) => DualRedisBroker.local(options));
  });
}

/** An isolation, on a broker. */
export interface Place {
  readonly isolation: Isolation;
  readonly on: string;
  readonly makeBroker: () => Broker;
}

/** Where nodes may run, and on what. */
export const places: readonly Place[] = [
  { isolation: 'process', on: 'embedded', makeBroker: freshEmbedded },
  { isolation: 'process', on: 'two Redises', makeBroker: () => DualRedisBroker.local() },
  { isolation: 'thread', on: 'embedded', makeBroker: freshEmbedded },
  { isolation: 'thread', on: 'two Redises', makeBroker: () => DualRedisBroker.local() },
  { isolation: 'thread', on: 'memory', makeBroker: () => new MemoryBroker() },
  { isolation: 'inline', on: 'embedded', makeBroker: freshEmbedded },
  { isolation: 'inline', on: 'memory', makeBroker: () => new MemoryBroker() },
];

export function linkOf(ledger: Ledger, source: string, target: string): LinkLedger {
  const found = ledger.links.find((row) => row.source === source && row.target === target);
  if (!found) throw new Error(`no link ${source} → ${target}`);
  return found;
}

/** Runs systems that are stopped after each test. */
export function runsOfFile(): (system: System, broker: Broker, options?: RunOptions) => Promise<RunningSystem> {
  const running: RunningSystem[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((system) => system.stop()));
  });
  return async (system, broker, options = {}) => {
    const started = await system.run({ broker, handleSignals: false, drainMs: 60_000, onLog: () => undefined, ...options });
    running.push(started);
    return started;
  };
}

/** How often nodes were restarted. */
export function restarts(system: RunningSystem): number {
  return system.status().reduce((sum, status) => sum + status.restarts, 0);
}

/** Process id of a node's first replica. */
export function pidOf(system: RunningSystem, node: string): number {
  const pid = system.status().find((status) => status.node === node)?.pid;
  if (pid === undefined) throw new Error(`'${node}' has no process`);
  return pid;
}

/** 0, 1, … count - 1 */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
