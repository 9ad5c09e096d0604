import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EmbeddedBroker } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { afterEach, expect, test } from 'vitest';
import { temporaryStore } from './harness.js';

const childFile = fileURLToPath(new URL('./child.ts', import.meta.url));
const typescript = fileURLToPath(new URL('../../support/typescript.mjs', import.meta.url));
const directory = temporaryStore();
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

function start(task: Readonly<Record<string, unknown>>): ChildProcess {
  const child = fork(childFile, [JSON.stringify({ directory, visibilityMs: 1_000, ...task })], { execArgv: ['--import', typescript] });
  children.push(child);
  return child;
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

// processes.long.test.ts has the same with the real broker, which gives every position once.
test('a broker that does not look at the last commit gives positions twice, or dies of the damage', async () => {
  const broker = new EmbeddedBroker({ directory });
  await broker.declare({ topic: 't', groups: ['g'] });
  await broker.close();
  const reports: { readonly pushed?: number; readonly seq?: number }[] = [];
  const pusher = start({ task: 'push', careless: true });
  pusher.on('message', (report: (typeof reports)[number]) => reports.push(report));
  await until('it publishes', () => reports.length > 0);
  let openers: ChildProcess[] = [];
  const damaged = (): boolean => hasEnded(pusher) || reports.some(({ pushed, seq }) => seq !== undefined && seq !== (pushed ?? 0) + 1);
  await until(
    'damage is seen',
    () => {
      if (openers.every(hasEnded)) openers = [1, 2].map(() => start({ task: 'reopen', count: 400 }));
      return damaged();
    },
    50_000,
  );
  expect(damaged()).toBe(true);
}, 60_000);
