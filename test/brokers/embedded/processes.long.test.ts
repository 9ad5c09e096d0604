import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { numbered, numberOf, until } from 'edgeflow/testing';
import type { ChildTask } from './child.js';
import { temporaryStore } from './harness.js';

const childFile = fileURLToPath(new URL('./child.ts', import.meta.url));
const typescript = fileURLToPath(new URL('../../support/typescript.mjs', import.meta.url));
const a = { group: 'g', consumer: 'a' };

interface Report {
  readonly trying?: number;
  readonly pushed?: number;
  readonly seq?: number;
  readonly held?: number[];
  readonly acked?: number[];
  readonly latest?: number;
}

let directory: string;
let broker: EmbeddedBroker;
let children: ChildProcess[];

beforeEach(() => {
  directory = temporaryStore();
  broker = new EmbeddedBroker({ directory, visibilityMs: 1_000 });
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map(kill));
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

function start(task: Omit<ChildTask, 'directory'>): { readonly child: ChildProcess; readonly reports: Report[] } {
  const child = fork(childFile, [JSON.stringify({ directory, visibilityMs: 1_000, ...task })], { execArgv: ['--import', typescript] });
  children.push(child);
  const reports: Report[] = [];
  child.on('message', (report: Report) => reports.push(report));
  return { child, reports };
}

function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.kill('SIGKILL');
  });
}

/** Pops and acks until nothing is left. */
async function drain(count = 64): Promise<{ readonly value: number; readonly payload: Uint8Array }[]> {
  const all: { value: number; payload: Uint8Array }[] = [];
  for (;;) {
    const popped = await broker.pop('t', { ...a, count, waitMs: 0 });
    if (popped.length === 0) return all;
    all.push(...popped.map((message) => ({ value: numberOf(message), payload: message.payload })));
    expect((await broker.ack('t', a, popped)).fenced).toEqual([]);
  }
}

function whole({ value, payload }: { readonly value: number; readonly payload: Uint8Array }): boolean {
  const unit = Buffer.alloc(8);
  unit.writeDoubleLE(value);
  return Buffer.alloc(payload.length, unit).equals(payload);
}

describe('processes', () => {
  test('a writer killed in mid-stream, 12 times: nothing lost, nothing torn, no orphan after a sweep', async () => {
    await broker.declare({ topic: 't', groups: ['g'] });
    const confirmed = new Set<number>();
    const received = new Set<number>();
    const bytes = [0, 100, 5_000, 300_000, 60_000, 2_000_000];
    let from = 0;
    for (let round = 0; round < 12; round++) {
      const { child, reports } = start({ task: 'push', from, bytes });
      const least = 5 + round * 2;
      await until('some are pushed', () => reports.filter(({ pushed }) => pushed !== undefined).length >= least);
      await kill(child);
      for (const { pushed } of reports) if (pushed !== undefined) confirmed.add(pushed);
      from = Math.max(...reports.map(({ trying }) => trying ?? 0)) + 2;
      const drained = await drain();
      expect(drained.every(whole)).toBe(true);
      for (const { value } of drained) received.add(value);
    }
    expect([...confirmed].filter((value) => !received.has(value))).toEqual([]);
    await broker.sweep({ graceMs: 0 });
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0 });
  }, 120_000);

  // lmdb's number of the last commit goes back when a process opens the store while others commit: see Transactions.
  test('processes that open and close the store while another publishes: every position is given once, nothing is lost', async () => {
    await broker.declare({ topic: 't', groups: ['g'] });
    const openers = [1, 2].map(() => start({ task: 'reopen', count: 400 }).child);
    const positions: number[] = [];
    const received: number[] = [];
    while (openers.some(({ exitCode }) => exitCode === null)) {
      const bytes = positions.length % 8 === 0 ? 5_000 : 0;
      positions.push((await broker.push('t', numbered(positions.length, bytes))).seq);
      if (positions.length % 64 !== 0) continue;
      received.push(...(await drain()).map(({ value }) => value));
      await turn();
    }
    received.push(...(await drain()).map(({ value }) => value));
    expect(openers.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(positions.filter((seq, index) => seq !== index + 1)).toEqual([]);
    expect(received.filter((value, index) => value !== index)).toEqual([]);
    expect(received).toHaveLength(positions.length);
    expect((await broker.stats())[0]).toMatchObject({ published: positions.length, entries: 0 });
  }, 60_000);

  // That a broker which does not look at the last commit fails this: careless.long.test.ts.
  test.each(['after payloads', 'within'] as const)(
    'a process killed in a commit to two topics, %s: nothing half done, and no orphan after a sweep',
    async (dies) => {
      for (const topic of ['t', 'u', 'v']) await broker.declare({ topic, groups: ['g'] });
      for (let value = 1; value <= 6; value++) await broker.push('t', numbered(value, 5_000));
      const bytes = [60_000, 7_000];
      const first = start({ task: 'commit', count: 3, bytes, dies });
      await new Promise((resolve) => first.child.once('exit', resolve));
      expect(first.child.signalCode).toBe('SIGKILL');
      const counts = async (): Promise<unknown> =>
        (await broker.stats()).map(({ topic, entries, groups }) => [topic, entries, groups.g?.acked, groups.g?.open]);
      expect(await counts()).toEqual([
        ['t', 4, 2, 1],
        ['u', 2, 0, 0],
        ['v', 2, 0, 0],
      ]);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 2 });
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
      const second = start({ task: 'commit', bytes });
      await new Promise((resolve) => second.child.once('exit', resolve));
      expect(await counts()).toEqual([
        ['t', 0, 6, 0],
        ['u', 6, 0, 0],
        ['v', 6, 0, 0],
      ]);
      for (const [index, topic] of ['u', 'v'].entries()) {
        const outputs = await broker.pop(topic, { ...a, count: 10, waitMs: 0 });
        expect(outputs.map(numberOf)).toEqual([1, 2, 3, 4, 5, 6]);
        expect(outputs.every(({ seq, payload }) => payload.length === bytes[index] && whole({ value: seq, payload }))).toBe(true);
      }
    },
  );

  test('a node between three topics killed anywhere, 5 times: each input has one output in both', async () => {
    for (const topic of ['t', 'u', 'v']) await broker.declare({ topic, groups: ['g'] });
    const total = 120;
    await Promise.all(Array.from({ length: total }, (_, value) => broker.push('t', numbered(value, 5_000))));
    const acked = async (): Promise<number> => (await broker.stats()).find(({ topic }) => topic === 't')?.groups.g?.acked ?? 0;
    for (let round = 1; round <= 5; round++) {
      const { child, reports } = start({ task: 'commit', bytes: [400_000, 5_000] });
      await until('it has committed some', () => reports.length >= round * 2);
      await kill(child);
      const [, u, v] = await broker.stats();
      expect([u?.published, v?.published]).toEqual([await acked(), await acked()]);
    }
    const last = start({ task: 'commit', bytes: [400_000, 5_000] });
    await new Promise((resolve) => last.child.once('exit', resolve));
    expect(await acked()).toBe(total);
    await broker.sweep({ graceMs: 0 });
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    for (const topic of ['u', 'v']) {
      const outputs = await broker.pop(topic, { ...a, count: total, waitMs: 0 });
      expect(outputs.map(numberOf).sort((one, two) => one - two)).toEqual(Array.from({ length: total }, (_, value) => value));
    }
  });

  test('a killed consumer: its messages go to another', async () => {
    await broker.declare({ topic: 't', groups: ['g'] });
    for (let value = 0; value < 3; value++) await broker.push('t', numbered(value, 5_000));
    const { child, reports } = start({ task: 'hold', consumer: 'other' });
    await until('it has them', () => reports.length > 0);
    expect(await broker.pop('t', { ...a, count: 10, waitMs: 0 })).toEqual([]);
    await kill(child);
    const again = await broker.pop('t', { ...a, count: 10, waitMs: 20_000 });
    expect(again.map(({ seq, attempt }) => [seq, attempt])).toEqual([
      [1, 2],
      [2, 2],
      [3, 2],
    ]);
  });

  test('a killed consumer: its messages go to another client, however busy that is with another topic', async () => {
    for (const topic of ['t', 'busy']) await broker.declare({ topic, groups: ['g'] });
    await broker.push('t', numbered(0));
    const { child, reports } = start({ task: 'hold', consumer: 'other' });
    await until('it has it', () => reports.length > 0);
    await kill(child);
    let seen = false;
    const again = broker.pop('t', { ...a, count: 1, waitMs: 5_000 }).finally(() => (seen = true));
    for (let value = 0; !seen; value++) {
      await broker.push('busy', numbered(value));
      await broker.ack('busy', a, await broker.pop('busy', { ...a, count: 1, waitMs: 0 }));
      // Broker calls alone leave no turn to timers.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await again).map(numberOf)).toEqual([0]);
  });

  test('a killed consumer that is started again takes its messages back at once', async () => {
    await broker.close();
    broker = new EmbeddedBroker({ directory, visibilityMs: 600_000 });
    await broker.declare({ topic: 't', groups: ['g'] });
    await broker.push('t', numbered(1));
    const first = start({ task: 'hold', visibilityMs: 600_000 });
    await until('it has it', () => first.reports.length > 0);
    await kill(first.child);
    const second = start({ task: 'hold', visibilityMs: 600_000 });
    await until('it has it again', () => second.reports.some(({ held }) => held?.length === 1));
  });

  test('a consumer that works for longer than the visibility time keeps its messages', async () => {
    await broker.declare({ topic: 't', groups: ['g'] });
    await broker.push('t', numbered(1));
    const { reports } = start({ task: 'hold', consumer: 'slow' });
    await until('it has it', () => reports.length > 0);
    expect(await broker.pop('t', { ...a, count: 1, waitMs: 2_500 })).toEqual([]);
  });

  test('a producer waits for a consumer in another process', async () => {
    await broker.declare({ topic: 't', groups: ['g'], maxBytes: 100_000 });
    const { reports } = start({ task: 'push', count: 40, bytes: [10_000] });
    await until('the topic is full', async () => ((await broker.stats())[0]?.bytes ?? 0) >= 100_000);
    const pushed = (): number => reports.filter((report) => report.pushed !== undefined).length;
    await until('confirmations arrived', () => pushed() === 10);
    const values: number[] = [];
    await until('all came', async () => {
      values.push(...(await drain(3)).map(({ value }) => value));
      expect((await broker.stats())[0]?.bytes).toBeLessThanOrEqual(110_008);
      return values.length === 40;
    });
    expect(values).toEqual(Array.from({ length: 40 }, (_, index) => index));
  });

  test('what was stored is there after all processes died', async () => {
    await broker.declare({ topic: 't', groups: ['g'] });
    await broker.close();
    const { child, reports } = start({ task: 'push', count: 50, bytes: [10, 9_000] });
    await until('all are pushed', () => reports.filter(({ pushed }) => pushed !== undefined).length === 50);
    await kill(child);
    const holder = start({ task: 'hold' });
    await until('it has some', () => holder.reports.length > 0);
    await kill(holder.child);
    broker = new EmbeddedBroker({ directory });
    const drained = await drain();
    expect(drained.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(drained.every(whole)).toBe(true);
  });

  test('a stopped consumer slows nobody', async () => {
    await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
    const reader = start({ task: 'latest' });
    const stopped = start({ task: 'hold', consumer: 'stopped' });
    await broker.push('t', numbered(0, 50_000));
    await until('both have it', () => reader.reports.length > 0 && stopped.reports.length > 0);
    stopped.child.kill('SIGSTOP');
    reader.child.kill('SIGSTOP');
    const values: number[] = [];
    for (let value = 1; value <= 200; value++) {
      await broker.push('t', numbered(value, 50_000));
      values.push(...(await drain()).map((message) => message.value));
    }
    expect(values.filter((value) => value > 0)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    reader.child.kill('SIGCONT');
    await until('the reader is at the newest', () => reader.reports.at(-1)?.latest === 201);
  });

  test('two consumers in processes of their own share the messages, each once', async () => {
    await broker.declare({ topic: 't', groups: ['g'] });
    const consumers = [start({ task: 'consume', consumer: 'x' }), start({ task: 'consume', consumer: 'y' })];
    const acked = (): number[] => consumers.flatMap(({ reports }) => reports.flatMap((report) => report.acked ?? []));
    for (let value = 0; value < 300; value++) await broker.push('t', numbered(value, value % 10 === 0 ? 6_000 : 10));
    await until('all are acked', () => acked().length >= 300);
    expect(acked().sort((one, two) => one - two)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
  });

  test('10,000 messages of mixed sizes leave the files at their working size', async () => {
    await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
    const sizes = [10, 100, 5_000, 60_000, 3_000, 200_000];
    const size = (): number =>
      ['control.mdb', 'data.mdb'].reduce((sum, file) => sum + statSync(path.join(directory, file)).blocks * 512, 0);
    const round = async (): Promise<void> => {
      for (let batch = 0; batch < 50; batch++) {
        await Promise.all(
          Array.from({ length: 40 }, (_, index) => broker.push('t', numbered(index, sizes[(batch + index) % sizes.length] ?? 0))),
        );
        await drain();
        await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 });
      }
    };
    await round();
    const working = size();
    for (let rounds = 1; rounds < 5; rounds++) await round();
    expect(size()).toBeLessThanOrEqual(working * 1.5);
    expect((await broker.stats())[0]).toMatchObject({ published: 10_000, entries: 2 });
  }, 120_000);
});
