import { numbered, numberOf } from 'edgeflow/testing';
import { existsSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectEmbeddedBroker, EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { Store } from '#src/brokers/embedded/store.js';
import { brokerProcess } from '../../support/brokerProcess.js';
import { runModule } from '../../support/runModule.js';
import type { RunningModule } from '../../support/runModule.js';
import { temporaryStore } from './harness.js';

const consumer = { group: 'g', consumer: 'a' };
let directory: string;
let main: EmbeddedBroker;
let children: RunningModule[];

beforeEach(async () => {
  directory = temporaryStore();
  main = new EmbeddedBroker({ directory });
  children = [];
  await main.declare({ topic: 't', groups: ['g'], readers: ['r'] });
});

afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  await main.close();
  rmSync(directory, { recursive: true, force: true });
});

async function child(text: string): Promise<RunningModule> {
  const started = await brokerProcess(
    main,
    `
    import { numbered } from 'edgeflow/testing';
    import { Store } from '#src/brokers/embedded/store.js';
    const outcome = (call) => call.then(() => 'done', ({ code, message }) => code ?? message);
    const said = async (word, calls) => console.log(word, JSON.stringify(await Promise.all(calls.map(outcome))));
    ${text}`,
  );
  children.push(started);
  return started;
}

/** Another System makes a store of its own in the same place. */
async function makeAnew(): Promise<void> {
  const other = runModule(
    `
    import { EmbeddedBroker } from 'edgeflow';
    await new EmbeddedBroker({ directory: data.directory }).declare({ topic: 't', groups: ['g'], readers: ['r'] });
    console.log('made');
    setInterval(() => {}, 1_000);`,
    { directory },
  );
  children.push(other);
  await other.line('made');
}

describe('the folder of a store is deleted while it is used', () => {
  test('a worker that starts then makes no store: its calls reject, and say what happened', async () => {
    rmSync(directory, { recursive: true });
    const worker = await child(`await said('calls', [broker.push('t', numbered(1)), broker.stats(), broker.open()]);`);
    expect(JSON.parse(await worker.line('calls'))).toEqual(['BROKER_CORRUPT', 'BROKER_CORRUPT', 'BROKER_CORRUPT']);
    expect(existsSync(directory)).toBe(false);
    await expect(main.push('t', numbered(1))).rejects.toMatchObject({
      code: 'BROKER_CORRUPT',
      message: expect.stringMatching(/deleted while it was in use.*RemoveIPC.*durability: 'power'/) as string,
    });
  });

  test.each([
    ['and nothing is there', () => Promise.resolve()],
    ['and made anew by another', makeAnew],
  ])('%s: a process that has it open notices, and its calls and waits fail', async (_, after) => {
    const worker = await child(`
      const store = Store.acquire(data.config.options);
      process.on('SIGUSR2', () => store.look());
      const who = { group: 'g', consumer: 'a' };
      const waits = [
        broker.pop('t', { ...who, count: 1, waitMs: 600_000 }),
        broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 600_000 }),
      ];
      const ended = said('ended', waits);
      await broker.declare({ topic: 't' });
      console.log('waiting');
      await ended;
      await said('calls', [broker.push('t', numbered(1)), broker.stats(), broker.declare({ topic: 'u' }), broker.release('t', who), broker.reset()]);
      await said('close', [broker.close(), store.release()]);`);
    await worker.line('waiting');
    rmSync(directory, { recursive: true });
    await after();
    worker.child.kill('SIGUSR2');
    expect(JSON.parse(await worker.line('ended'))).toEqual(['BROKER_CORRUPT', 'BROKER_CORRUPT']);
    expect(JSON.parse(await worker.line('calls'))).toEqual(Array(5).fill('BROKER_CORRUPT'));
    expect(JSON.parse(await worker.line('close'))).toEqual(['done', 'done']);
  });

  test('a wait that begins then fails too', async () => {
    rmSync(directory, { recursive: true });
    const waits = [
      main.pop('t', { group: 'g', consumer: 'a', count: 1, waitMs: 600_000 }),
      main.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 600_000 }),
    ];
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ code: 'BROKER_CORRUPT' });
  });

  test('a push that waits for room fails too', async () => {
    const store = Store.acquire({ directory, durability: 'process', maxBytes: undefined });
    await main.declare({ topic: 't', maxBytes: 10 });
    await main.push('t', numbered(1, 100));
    const waiting = main.push('t', numbered(2, 100));
    const failed = expect(waiting).rejects.toMatchObject({ code: 'BROKER_CORRUPT' });
    rmSync(directory, { recursive: true });
    store.look();
    await failed;
    await store.release();
  });

  test('no client of the same process makes it anew beside the old one; once that is closed, a new System can', async () => {
    const config = await main.open();
    rmSync(directory, { recursive: true });
    for (const client of [new EmbeddedBroker({ directory }), connectEmbeddedBroker(config)])
      await expect(client.open()).rejects.toMatchObject({ code: 'BROKER_CORRUPT' });
    expect(existsSync(directory)).toBe(false);
    await main.close();
    main = new EmbeddedBroker({ directory });
    await main.declare({ topic: 't', groups: ['g'] });
    await main.push('t', numbered(7));
    expect((await main.pop('t', { ...consumer, count: 1, waitMs: 0 })).map(numberOf)).toEqual([7]);
  });

  test('a store that is where it was is not taken for deleted', async () => {
    const store = Store.acquire({ directory, durability: 'process', maxBytes: undefined });
    store.look();
    await main.push('t', numbered(1));
    await store.release();
  });
});
