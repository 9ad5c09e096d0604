import type { Broker } from 'edgeflow';
import { numbered, numberOf, until } from 'edgeflow/testing';
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { freeBytes } from '#src/brokers/embedded/space.js';
import { Transactions } from '#src/brokers/embedded/transactions.js';
import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { expectBalance } from '../support/balance.js';
import { startRedisServer } from '../support/redisServer.js';
import type { TestRedis } from '../support/redisServer.js';
import { range } from '../support/system.js';
import { mountTinyDisk } from '../support/tinyDisk.js';
import type { TinyDisk } from '../support/tinyDisk.js';

const me = { group: 'g', consumer: 'a' };
let disks: TinyDisk[];
let brokers: Broker[];
let servers: TestRedis[];

beforeEach(() => {
  disks = [];
  brokers = [];
  servers = [];
});
afterEach(async () => {
  await Promise.all(brokers.map((broker) => broker.close()));
  await Promise.all(servers.map((server) => server.stop()));
  for (const disk of disks) disk.remove();
});

/** A disk, or the end of the test where none can be mounted. */
function disk(context: { skip(note: string): never }, size: string): TinyDisk {
  const mounted = mountTinyDisk(size) ?? context.skip('a tmpfs cannot be mounted here (needs root)');
  disks.push(mounted);
  return mounted;
}

function opened<T extends Broker>(broker: T): T {
  brokers.push(broker);
  return broker;
}

/** Pushes until it is refused; gives how many were accepted, and what the refusal said. */
async function fill(broker: Broker, bytes: number): Promise<{ accepted: number; refusal: unknown }> {
  for (let accepted = 0; ; accepted++) {
    try {
      await broker.push('t', numbered(accepted, bytes));
    } catch (refusal) {
      return { accepted, refusal };
    }
  }
}

/** Takes and acks all that comes, until it has this value. */
async function drainUpTo(broker: Broker, last: number): Promise<number[]> {
  const values: number[] = [];
  await until('all came', async () => {
    const popped = await broker.pop('t', { ...me, count: 64, waitMs: 20 });
    values.push(...popped.map(numberOf));
    expect((await broker.ack('t', me, popped)).fenced).toEqual([]);
    return values.at(-1) === last;
  });
  return values;
}

/** Takes all the room of a disk, as another program might. */
function takeRoom({ directory }: TinyDisk): string {
  const file = join(directory, 'of-another-program');
  const descriptor = openSync(file, 'w');
  try {
    for (let size = 65_536; size >= 512; size /= 2) {
      try {
        for (;;) writeSync(descriptor, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(descriptor);
  }
  return file;
}

describe.each(['process', 'power'] as const)('embedded, durability %s', (durability) => {
  test('a disk of 1 MB is BROKER_FULL, which names the folder; what was accepted before is there', async (context) => {
    const store = join(disk(context, '1m').directory, 'store');
    const broker = opened(new EmbeddedBroker({ directory: store, durability }));
    await broker.declare({ topic: 't', groups: ['g'], onFull: 'reject' });
    const { accepted, refusal } = await fill(broker, 1_000);
    expect(refusal).toMatchObject({ code: 'BROKER_FULL', message: expect.stringContaining(store) as string });
    const stats = await broker.stats();
    expectBalance(stats);
    expect(stats[0]?.groups.g).toMatchObject({ unread: accepted });
  });

  test('a disk without room for a new store is BROKER_FULL', async (context) => {
    const store = join(disk(context, '64k').directory, 'store');
    const broker = opened(new EmbeddedBroker({ directory: store, durability }));
    await expect(broker.open()).rejects.toMatchObject({ code: 'BROKER_FULL', message: expect.stringContaining(store) as string });
  });

  test('another program takes the last byte: pushes are refused or wait, acks go on, nothing is lost', async (context) => {
    const small = disk(context, '30m');
    const broker = opened(new EmbeddedBroker({ directory: join(small.directory, 'store'), durability }));
    await broker.declare({ topic: 't', groups: ['g'], onFull: 'reject' });
    for (const value of range(200)) await broker.push('t', numbered(value, 3_000));
    const file = takeRoom(small);
    await expect(broker.push('t', numbered(-1, 3_000))).rejects.toMatchObject({ code: 'BROKER_FULL' });
    await broker.declare({ topic: 't', onFull: 'wait' });
    const waiting = broker.push('t', numbered(200, 3_000));
    expect(await drainUpTo(broker, 199)).toEqual(range(200));
    rmSync(file);
    await waiting;
    expect(await drainUpTo(broker, 200)).toEqual([200]);
    const stats = await broker.stats();
    expectBalance(stats);
    expect(stats[0]?.groups.g).toEqual({ published: 201, acked: 201, dead: 0, open: 0, unread: 0 });
  });

  test.for([
    ['a young store', 50, 1],
    ['a store that just took many messages', 2_000, 2_000],
  ] as const)(
    'another program takes the last byte beside %s: pops, acks, nacks and releases go on',
    async ([, count, together], context) => {
      const small = disk(context, '60m');
      const broker = opened(new EmbeddedBroker({ directory: join(small.directory, 'store'), durability }));
      await broker.declare({ topic: 't', groups: ['g'], onFull: 'reject' });
      for (let value = 0; value < count; value += together)
        await Promise.all(range(together).map((index) => broker.push('t', numbered(value + index, 1_000))));
      // Behind the step that follows their commit.
      await broker.declare({ topic: 't' });
      takeRoom(small);
      for (const value of range(5)) {
        const popped = await broker.pop('t', { ...me, count: 4, waitMs: 0 });
        const [first, second, third, last] = popped;
        if (!first || !second || !third || !last) throw new Error(`4 messages expected in round ${value}`);
        expect((await broker.ack('t', me, [first])).fenced).toEqual([]);
        expect(await broker.nack('t', me, second, { error: 'no' })).toBe(true);
        expect(await broker.nack('t', me, third, { error: 'later', retryAfterMs: 0 })).toBe(true);
        await broker.release('t', me, [last.seq]);
      }
      await drainUpTo(broker, count - 1);
      expectBalance(await broker.stats());
    },
  );
});

describe('embedded, durability power: a disk that has room when a push begins, and too little for its commit', () => {
  /** A broker on a disk with 10 MB left: 8 MiB are the least that a push asks for. */
  async function nearlyFull(small: TinyDisk, topics: readonly string[]): Promise<{ broker: Broker; store: string; ballast: string }> {
    const store = join(small.directory, 'store');
    const broker = opened(new EmbeddedBroker({ directory: store, durability: 'power', maxBytes: 1e9 }));
    for (const topic of topics) await broker.declare({ topic, groups: ['g'], onFull: 'reject' });
    const ballast = join(small.directory, 'ballast');
    writeFileSync(ballast, Buffer.alloc(freeBytes(small.directory) - 10_000_000));
    return { broker, store, ballast };
  }
  const full = (store: string): unknown =>
    expect.objectContaining({ code: 'BROKER_FULL', message: expect.stringContaining(`'${store}`) as string });

  test.for([
    [600, 3_000],
    [1, 6_000],
  ] as const)('another program takes the last byte before the commit of %i messages of %i bytes', async ([count, bytes], context) => {
    const small = disk(context, '40m');
    const { broker, store, ballast } = await nearlyFull(small, ['t']);
    for (const value of range(20)) await broker.push('t', numbered(value, bytes));
    // After the push has looked for room, when the first transaction begins: of a payload, or of the messages.
    let file: string | undefined;
    for (const name of ['run', 'runSynced'] as const) {
      const original = Reflect.get(Transactions.prototype, name) as (step: () => unknown) => unknown;
      vi.spyOn(Transactions.prototype, name).mockImplementation(function (this: Transactions, step: () => unknown) {
        file ??= takeRoom(small);
        return original.call(this, step);
      });
    }
    const pushes = Promise.all(range(count).map(() => broker.push('t', numbered(-1, bytes))));
    await expect(pushes).rejects.toEqual(full(store));
    vi.restoreAllMocks();
    rmSync(file ?? '');
    rmSync(ballast);
    await broker.push('t', numbered(20, bytes));
    expect(await drainUpTo(broker, 20)).toEqual(range(21));
    expectBalance(await broker.stats());
  });

  test('without room to free a payload, the sweep does it later; nothing is taken twice', async (context) => {
    const { broker } = await nearlyFull(disk(context, '40m'), ['t']);
    for (const value of range(3)) await broker.push('t', numbered(value, 6_000));
    const first = await broker.pop('t', { ...me, count: 1, waitMs: 0 });
    const original = Reflect.get(Transactions.prototype, 'run') as (step: () => unknown) => unknown;
    let refused = 0;
    // What is freed is the only thing that payloads on a disk are written so for.
    vi.spyOn(Transactions.prototype, 'run').mockImplementation(function (this: Transactions, step: () => unknown) {
      if (!this.path.endsWith('data.mdb')) return original.call(this, step);
      refused++;
      throw new Error('No space left on device');
    });
    const [, second] = await Promise.all([broker.ack('t', me, first), broker.pop('t', { ...me, count: 1, waitMs: 0 })]);
    await until('the payload was to be freed', () => refused > 0);
    vi.restoreAllMocks();
    const third = await broker.pop('t', { ...me, count: 1, waitMs: 0 });
    expect([first, second, third].flat().map(numberOf)).toEqual(range(3));
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 1 });
  });

  test('a payload of which the disk takes a part', async (context) => {
    const { broker, store, ballast } = await nearlyFull(disk(context, '40m'), ['t']);
    const large = numbered(0, 16_000_000);
    await expect(broker.push('t', large)).rejects.toEqual(full(store));
    rmSync(ballast);
    await broker.push('t', large);
    expect(await drainUpTo(broker, 0)).toEqual([0]);
    expectBalance(await broker.stats());
  });

  test('small messages of several topics, which have room alone but not together', async (context) => {
    const topics = ['t', 'u', 'v', 'w'];
    const { broker, store, ballast } = await nearlyFull(disk(context, '60m'), topics);
    const pushed = await Promise.all(
      topics.map((topic) => Promise.allSettled(range(1_000).map((value) => broker.push(topic, numbered(value, 4_000))))),
    );
    const refusals = pushed.flat().flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals).toEqual(refusals.map(() => full(store)));
    rmSync(ballast);
    for (const [index, topic] of topics.entries()) {
      await broker.push(topic, numbered(1_000, 4_000));
      const accepted = range(1_000).filter((value) => pushed[index]?.[value]?.status === 'fulfilled');
      const { messages } = await broker.range(topic, { limit: 2_000 });
      expect(messages.map(numberOf)).toEqual([...accepted, 1_000]);
    }
    expectBalance(await broker.stats());
  });
});

describe.each(['control', 'data'] as const)('the append-only file of the %s Redis has no room', (which) => {
  /** A broker one of whose servers stores on a small disk. */
  async function onSmallDisk(small: TinyDisk, fsync: 'no' | 'always'): Promise<{ broker: DualRedisBroker; tiny: TestRedis }> {
    const tiny = await startRedisServer({ config: [`dir ${small.directory}`, `appendfsync ${fsync}`] });
    const roomy = await startRedisServer();
    servers.push(tiny, roomy);
    const [control, data] = which === 'control' ? [tiny, roomy] : [roomy, tiny];
    const broker = opened(new DualRedisBroker({ control: control.endpoint, data: data.endpoint }));
    await broker.declare({ topic: 't', groups: ['g'], onFull: 'reject' });
    return { broker, tiny };
  }
  const bytes = which === 'control' ? 2_000 : 50_000;
  /** More than the disk holds. */
  const enough = which === 'control' ? 1_000 : 60;

  test('pushes are refused or wait, the log says for what, and nothing that was accepted is lost', async (context) => {
    const small = disk(context, '2m');
    const warnings: string[] = [];
    const note = (warning: Error): number => warnings.push(warning.message);
    process.on('warning', note);
    const { broker } = await onSmallDisk(small, 'no');
    const { accepted, refusal } = await fill(broker, bytes);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(accepted).toBeGreaterThan(10);
    expect(refusal).toMatchObject({
      code: 'BROKER_FULL',
      message: expect.stringMatching(new RegExp(`the ${which} Redis at .*, or its disk is full`)) as string,
    });
    expect(warnings.join()).toContain('takes nothing more: MISCONF Errors writing to the AOF file: No space left on device');
    // The default of a topic is to wait, and without room on the control server even a declaration does.
    const waiting = Promise.all([broker.declare({ topic: 'u' }), broker.push('u', numbered(0, bytes))]);
    expect(await Promise.race([waiting, broker.stats().then(() => 'it waits')])).toBe('it waits');
    small.resize('20m');
    await waiting;
    expect(await drainUpTo(broker, accepted - 1)).toEqual(range(accepted));
    const stats = await broker.stats();
    expectBalance(stats);
    expect(stats.find(({ topic }) => topic === 't')?.groups.g).toEqual({
      published: accepted,
      acked: accepted,
      dead: 0,
      open: 0,
      unread: 0,
    });
  });

  test('with appendfsync always the server ends instead, and has all that was accepted when it is started again', async (context) => {
    const small = disk(context, '2m');
    const { broker, tiny } = await onSmallDisk(small, 'always');
    const accepted: number[] = [];
    const filling = (async () => {
      for (let value = 0; value < enough; value++) {
        await broker.push('t', numbered(value, bytes));
        accepted.push(value);
      }
    })();
    await until('it has ended', () => tiny.ended);
    const before = accepted.length;
    small.resize('200m');
    await tiny.start();
    await filling;
    expect(before).toBeLessThan(enough);
    expect(await drainUpTo(broker, enough - 1)).toEqual(range(enough));
    expectBalance(await broker.stats());
  });
});
