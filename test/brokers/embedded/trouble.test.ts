import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { connectEmbeddedBroker, EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { numbered, numberOf, until } from 'edgeflow/testing';
import { temporaryStore } from './harness.js';

const a = { group: 'g', consumer: 'a' };
let directory: string;
let brokers: EmbeddedBroker[];

beforeEach(() => {
  directory = temporaryStore();
  brokers = [];
});

afterEach(async () => {
  await Promise.all(brokers.map((broker) => broker.close()));
  rmSync(directory, { recursive: true, force: true });
});

function embedded(options: ConstructorParameters<typeof EmbeddedBroker>[0] = {}): EmbeddedBroker {
  const broker = new EmbeddedBroker({ directory, ...options });
  brokers.push(broker);
  return broker;
}

describe('folders and formats', () => {
  test('the folder is closed to others', async () => {
    await embedded().open();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(directory, 'control.mdb')).mode & 0o777).toBe(0o600);
  });

  test('a client made from the config works on the same store', async () => {
    const broker = embedded();
    const config = await broker.open();
    await broker.declare({ topic: 't', groups: ['g'] });
    const other = connectEmbeddedBroker(structuredClone(config));
    brokers.push(other);
    await other.push('t', numbered(5));
    expect((await broker.pop('t', { ...a, count: 1, waitMs: 0 })).map(numberOf)).toEqual([5]);
  });

  test('a store of another format says what to delete', async () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(path.join(directory, 'edgeflow-store.json'), '{"format":99,"durability":"process","maxBytes":1}');
    await expect(Promise.resolve().then(() => embedded().open())).rejects.toMatchObject({
      code: 'BROKER_CONFIG',
      message: expect.stringContaining(`delete '${directory}'`) as string,
    });
  });

  test('files of others stop a reset of everything, not one of the namespace', async () => {
    const broker = embedded();
    await broker.declare({ topic: 't' });
    writeFileSync(path.join(directory, 'holiday.jpg'), 'x');
    await expect(broker.reset()).rejects.toMatchObject({ code: 'BROKER_NOT_DEDICATED' });
    await broker.reset({ scope: 'namespace' });
    expect(await broker.stats()).toEqual([]);
  });

  test.each([
    ['durability', { durability: 'power' as const }],
    ['maxBytes', { maxBytes: 12_345_678 }],
  ])('another %s than the store was made with is an error', async (_, options) => {
    await embedded().open();
    await expect(Promise.resolve().then(() => embedded(options).open())).rejects.toMatchObject({ code: 'BROKER_CONFIG' });
  });

  test.each([Infinity, -Infinity, Number.NaN, 0, -1])('maxBytes %s is an error, and leaves no store behind', async (maxBytes) => {
    expect(() => embedded({ maxBytes })).toThrow(expect.objectContaining({ code: 'BROKER_CONFIG' }) as Error);
    await embedded().open();
  });

  test('a file that is no store is an error', async () => {
    await embedded().open();
    await brokers.pop()?.close();
    writeFileSync(path.join(directory, 'control.mdb'), Buffer.alloc(100_000, 7));
    await expect(Promise.resolve().then(() => embedded().open())).rejects.toMatchObject({ code: 'BROKER_CONFIG' });
  });
});

describe('full stores', () => {
  test('the bytes of all topics are bounded', async () => {
    const broker = embedded({ maxBytes: 1_000_000 });
    await broker.declare({ topic: 't', groups: ['g'], onFull: 'reject' });
    await broker.declare({ topic: 'u', groups: ['g'], onFull: 'reject' });
    await broker.push('t', numbered(1, 999_999));
    await expect(broker.push('u', numbered(2))).rejects.toMatchObject({ code: 'BROKER_FULL' });
    await broker.ack('t', a, await broker.pop('t', { ...a, count: 1, waitMs: 0 }));
    await broker.push('u', numbered(2));
  });

  test('an aborted push that waits for room ends; the next one keeps its place', async () => {
    const broker = embedded();
    await broker.declare({ topic: 't', groups: ['g'], maxBytes: 10_000 });
    await broker.push('t', numbered(1, 20_000));
    const abort = new AbortController();
    const aborted = broker.push('t', numbered(2), { signal: abort.signal });
    const kept = broker.push('t', numbered(3));
    abort.abort(new Error('no longer'));
    await expect(aborted).rejects.toThrow('no longer');
    await broker.ack('t', a, await broker.pop('t', { ...a, count: 1, waitMs: 0 }));
    await kept;
    expect((await broker.pop('t', { ...a, count: 5, waitMs: 0 })).map(numberOf)).toEqual([3]);
  });

  test('a push that waits for room when the broker is closed ends with BROKER_CLOSED', async () => {
    const broker = embedded();
    await broker.declare({ topic: 't', groups: ['g'], maxBytes: 10_000 });
    await broker.push('t', numbered(1, 20_000));
    const waiting = expect(broker.push('t', numbered(2))).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    await broker.close();
    await waiting;
  });

  test('a full file system makes pushes reject or wait, and they go on when there is room', async (context) => {
    if (!mountSmall(directory)) return context.skip('a tmpfs cannot be mounted here (needs root)');
    try {
      const broker = embedded({ maxBytes: 1024 ** 3 });
      await broker.declare({ topic: 't', groups: ['g'], onFull: 'reject', maxBytes: 1024 ** 3 });
      let stored = 0;
      const filled = await (async () => {
        for (;;) await broker.push('t', numbered(stored++, 3_000_000));
      })().catch((error: unknown) => error);
      expect(filled).toMatchObject({ code: 'BROKER_FULL' });
      expect(stored).toBeGreaterThan(5);
      await broker.declare({ topic: 't', onFull: 'wait' });
      const waiting = broker.push('t', numbered(99, 3_000_000));
      let values: number[] = [];
      await until('all came', async () => {
        const popped = await broker.pop('t', { ...a, count: 2, waitMs: 10 });
        await broker.ack('t', a, popped);
        values = values.concat(popped.map(numberOf));
        return values.at(-1) === 99;
      });
      await waiting;
      expect(values.slice(0, -1)).toEqual(Array.from({ length: stored - 1 }, (_, index) => index));
      for (let round = 0; round < 200; round++) {
        await broker.push('t', numbered(round, 1_000 * (round % 50) * 60));
        await broker.ack('t', a, await broker.pop('t', { ...a, count: 1, waitMs: 0 }));
      }
    } finally {
      await brokers.pop()?.close();
      spawnSync('umount', [directory]);
    }
  });
});

function mountSmall(folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=80m,mode=700', 'tmpfs', folder]).status === 0;
}

test('a bell that nobody hears delays a message, and loses none', async () => {
  const broker = embedded();
  await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
  const popped = broker.pop('t', { ...a, count: 1, waitMs: 20_000 });
  const latest = broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 20_000 });
  // The other process makes a new file and rings that; this one watches the old.
  rmSync(path.join(directory, 'bells', 't.news'));
  const push = `
    import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
    const broker = new EmbeddedBroker({ directory: ${JSON.stringify(directory)} });
    await broker.push('t', { id: 'x', time: 0, meta: Buffer.alloc(8), payload: Buffer.alloc(10) });
    await broker.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', push], { stdio: 'inherit' });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  expect((await popped).map(({ seq }) => seq)).toEqual([1]);
  expect((await latest)?.seq).toBe(1);
  expect(await exited).toBe(0);
});

test('what was published is published, also where nobody can be told of it', async () => {
  const broker = embedded();
  await broker.declare({ topic: 't', groups: ['g'] });
  const warned: string[] = [];
  const listen = ({ message }: Error): void => void warned.push(message);
  process.on('warning', listen);
  onTestFinished(() => void process.off('warning', listen));
  // In the place of a file that the process cannot open any more.
  mkdirSync(path.join(directory, 'bells', 't.news'));
  const receipts = await Promise.all([0, 1, 2].map((value) => broker.push('t', numbered(value))));
  expect(receipts.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
  expect(await broker.stats()).toMatchObject([{ published: 3 }]);
  await until('a warning', () => warned.some((text) => text.includes('EISDIR') && text.includes('others find out when they look again')));
});
