import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Detections } from 'edgeflow/operators';
import { until } from 'edgeflow/testing';
import { afterEach, expect, onTestFailed } from 'vitest';
import { temporaryFolder } from '../support/system.js';

export const root = resolve(import.meta.dirname, '../..');
const shared = resolve(root, '../shared');
export const film = resolve(shared, 'media/vtest_20s.mp4');
export const model = resolve(shared, 'models/yolox_nano.onnx');
const folder = temporaryFolder();
const children: ChildProcess[] = [];

afterEach(async () => {
  // A demo that outlived its test would hold the store against the next.
  await Promise.all(
    children.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }),
  );
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function demo(...args: readonly string[]) {
  const child = spawn(
    process.execPath,
    [resolve(root, 'dist/src/cli/main.js'), 'demo', '--reset', '--no-table', '--output', folder.path('out'), ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  children.push(child);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => said.push(String(data)));
  onTestFailed(() => {
    console.error(`the demo said:\n${said.join('')}`);
  });
  const ended: Promise<Ended> = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code], stdout, stderr]) => ({ code: code as number | null, stdout, stderr }),
  );
  return { child, ended };
}

export function detections(): Detections[] {
  const file = folder.path('out/detections.jsonl');
  if (!existsSync(file)) return [];
  // What follows the last line end is being written.
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Detections);
}

export const pictures = (): string[] =>
  readdirSync(folder.path('out/pictures'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jpg'));

/** Kills the worker of one node of the demo. */
function kill(node: string): void {
  spawnSync('pkill', ['-9', '-f', `worker.js demo/${node}-0`]);
}

/** The counts of a link in the printed ledger. */
export function counts(output: string, link: string): Record<string, number> {
  const line = output.split('\n').find((text) => text.startsWith(link)) ?? '';
  return Object.fromEntries([...line.matchAll(/(\d+) ([a-z-]+)/g)].map(([, count, name]) => [name ?? '', Number(count)]));
}

/** Kills the workers of a demo, and its servers where it has them, and looks at what it made of all that. */
export async function goesOnWhenKilled(broker: 'embedded' | 'redis'): Promise<void> {
  const { child, ended } = demo('--broker', broker);
  const victims = broker === 'redis' ? ['yolo', 'logger', 'recorder', 'redis'] : ['yolo', 'logger', 'recorder'];
  for (const victim of victims) {
    const before = detections().length;
    await until('it is at work', () => detections().length > before + 10, 30_000);
    if (victim === 'redis') {
      const servers = spawnSync('pgrep', ['-P', String(child.pid), '-f', 'redis'], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter(Boolean);
      expect(servers).toHaveLength(2);
      for (const parent of servers) spawnSync('pkill', ['-9', '-P', parent]);
    } else kill(victim);
  }
  const before = detections().length;
  await until('it is at work again', () => detections().length > before + 10, 30_000);
  child.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/ledger balanced\n$/);
  expect(stderr).toMatch(/yolo \| its process ended with SIGKILL; restart 1 of 10/);
  for (const link of ['yolo → logger', 'camera → recorder']) expect(counts(stdout, link)).toMatchObject({ pending: 0, 'dead-lettered': 0 });
  const indices = detections().map(({ index }) => index);
  // A kill may log a frame twice, never lose one; and the detector never goes back.
  expect(new Set(indices).size).toBe(counts(stdout, 'yolo → logger').published);
  const first = indices.filter((index, at) => indices.indexOf(index) === at);
  expect(first).toEqual(first.toSorted((a, b) => a - b));
  expect(pictures()).toHaveLength(counts(stdout, 'camera → recorder').acked ?? -1);
}
