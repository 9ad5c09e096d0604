import { numbered, numberOf, until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { useRedisPair } from '../../support/redisPair.js';
import { runModule } from '../../support/runModule.js';

const redis = useRedisPair();
const me = { group: 'g', consumer: 'a' };

test('a small payload travels with its id, a large one under a key of its own that never expires', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  await broker.push('t', numbered(1, 4_096));
  expect(await redis.data.keys('*')).toEqual([]);
  await broker.push('t', numbered(2, 4_097, 'the id: 2'));
  const keys = await redis.data.keys('*');
  expect(keys).toEqual([expect.stringMatching(/^edgeflow:blob:t:.*the_id__2$/)]);
  expect(await redis.data.ttl(keys[0] ?? '')).toBe(-1);
  for (const key of await redis.control.keys('*')) expect(await redis.control.ttl(key)).toBe(-1);
  const popped = await broker.pop('t', { ...me, count: 9, waitMs: 0 });
  expect(popped.map(({ payload }) => payload.length)).toEqual([4_096, 4_097]);
  await broker.ack('t', me, popped);
  await until('the payload is gone', async () => (await redis.data.dbsize()) === 0);
  await until('the trash is empty', async () => (await redis.control.exists('edgeflow:trash')) === 0);
});

test('a producer killed between payload and id leaves an orphan, which the sweep removes; published payloads stay', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  await broker.push('t', numbered(1, 50_000));
  // The control server does not answer while the producer publishes: its payload is stored, its id is not.
  redis.controlServer.freeze();
  const producer = runModule(
    `
    import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
    const broker = new DualRedisBroker(data);
    void broker.push('t', { id: 'x', time: 0, meta: Buffer.alloc(8), payload: Buffer.alloc(60_000) });
    console.log('started');
  `,
    { control: redis.controlServer.endpoint, data: redis.dataServer.endpoint },
  );
  try {
    await producer.line('started');
    redis.controlServer.thaw();
    // Opening is done once the first id is there; from then on only payloads pass.
    await until('the first message is published', async () => (await broker.stats())[0]?.published === 2);
  } finally {
    redis.controlServer.thaw();
    await producer.kill();
  }
  const orphan = runModule(
    `
    import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
    const broker = new DualRedisBroker(data);
    await broker.open();
    process.on('SIGUSR2', () => void broker.push('t', { id: 'late', time: 0, meta: Buffer.alloc(8), payload: Buffer.alloc(60_000) }));
    setInterval(() => {}, 1_000);
    console.log('open');
  `,
    { control: redis.controlServer.endpoint, data: redis.dataServer.endpoint },
  );
  try {
    await orphan.line('open');
    redis.controlServer.freeze();
    const before = await redis.data.dbsize();
    orphan.child.kill('SIGUSR2');
    await until('a payload without an id', async () => (await redis.data.dbsize()) > before);
  } finally {
    await orphan.kill();
    redis.controlServer.thaw();
  }
  // Then its script has run, or never will: this client's two connections and the test's own are left.
  await until(
    'the killed producer is disconnected',
    async () =>
      String(await redis.control.client('LIST'))
        .trim()
        .split('\n').length === 3,
  );
  const { published } = (await broker.stats())[0] ?? {};
  expect((await broker.sweep({ graceMs: 3_600_000 })).orphans).toBe(0);
  const orphans = (await redis.data.dbsize()) - (published ?? 0);
  expect((await broker.sweep({ graceMs: 0 })).orphans).toBe(orphans);
  expect(await redis.data.dbsize()).toBe(published);
  const popped = await broker.pop('t', { ...me, count: 1000, waitMs: 0 });
  expect(popped).toHaveLength(published ?? -1);
});

test('a producer that starts again uses no key twice', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  for (let run = 0; run < 3; run++) {
    const producer = redis.connect();
    await producer.push('t', numbered(run, 5_000, `run-${run}`));
    await producer.close();
  }
  expect(await redis.data.dbsize()).toBe(3);
  const popped = await broker.pop('t', { ...me, count: 9, waitMs: 0 });
  expect(popped.map(numberOf)).toEqual([0, 1, 2]);
});

test('a repeated publish of a large message leaves the first payload, and no second', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  const message = numbered(1, 9_000);
  expect(await broker.push('t', message)).toEqual({ seq: 1, duplicate: false });
  expect(await redis.connect().push('t', message)).toEqual({ seq: 1, duplicate: true });
  await until('one payload', async () => (await redis.data.dbsize()) === 1);
  const [popped] = await broker.pop('t', { ...me, count: 9, waitMs: 0 });
  expect(Buffer.from(popped?.payload ?? []).equals(Buffer.from(message.payload))).toBe(true);
});

test('a dead letter keeps its payload when the message is freed', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g', 'h'] });
  const message = numbered(1, 9_000);
  await broker.push('t', message);
  for (const group of ['g', 'h']) {
    const [popped] = await broker.pop('t', { group, consumer: 'a', count: 1, waitMs: 0 });
    if (!popped) throw new Error('no message');
    if (group === 'g') await broker.nack('t', { group, consumer: 'a' }, popped, { error: 'no' });
    else await broker.ack('t', { group, consumer: 'a' }, [popped]);
  }
  expect((await broker.stats())[0]).toMatchObject({ entries: 0, bytes: 0, deadLetters: 1 });
  expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
  const [letter] = await broker.deadLetters('t');
  expect(Buffer.from(letter?.payload ?? []).equals(Buffer.from(message.payload))).toBe(true);
});

test('a payload that is gone: DURABLE makes it a dead letter, REALTIME skips it', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
  await broker.push('t', numbered(1, 9_000));
  await redis.data.flushall();
  await broker.push('t', numbered(2, 9_000));
  expect((await broker.pop('t', { ...me, count: 9, waitMs: 0 })).map(numberOf)).toEqual([2]);
  expect(await broker.deadLetters('t')).toEqual([
    expect.objectContaining({ seq: 1, error: expect.stringContaining('MESSAGE_CORRUPT') as string }),
  ]);
  await redis.data.flushall();
  expect(await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 })).toBeUndefined();
  await broker.push('t', numbered(3, 9_000));
  expect((await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 }))?.seq).toBe(3);
  expect((await broker.stats())[0]?.readers.r).toEqual({ published: 3, delivered: 1, skipped: 2, waiting: 0 });
});

test('a message waits, undelivered and uncounted, while the data server is down', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
  await broker.push('t', numbered(1, 9_000));
  await redis.dataServer.kill();
  expect(await broker.pop('t', { ...me, count: 9, waitMs: 50 })).toEqual([]);
  expect(await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 50 })).toBeUndefined();
  await redis.dataServer.start();
  expect(await broker.pop('t', { ...me, count: 9, waitMs: 10_000 })).toMatchObject([{ seq: 1, attempt: 1 }]);
  expect((await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 10_000 }))?.seq).toBe(1);
  expect((await broker.stats())[0]?.readers.r).toEqual({ published: 1, delivered: 1, skipped: 0, waiting: 0 });
});

test('at its maxmemory the data server refuses a payload: no id is published, and the push waits or is rejected', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  await redis.data.config('SET', 'maxmemory', '8mb');
  try {
    const pushed = Array.from({ length: 20 }, (_, i) => broker.push('t', numbered(i, 1_000_000)));
    const received: number[] = [];
    while (received.length < 20) {
      const popped = await broker.pop('t', { ...me, count: 64, waitMs: 10_000 });
      received.push(...popped.map(numberOf));
      await broker.ack('t', me, popped);
    }
    await Promise.all(pushed);
    expect(received).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await broker.declare({ topic: 't', onFull: 'reject' });
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => broker.push('t', numbered(i, 1_000_000))));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.reason).toMatchObject({ code: 'BROKER_FULL' });
    expect((await broker.stats())[0]?.groups.g?.unread).toBe(20 - refused.length);
  } finally {
    await redis.data.config('SET', 'maxmemory', '0');
  }
});

test('at its maxmemory the control server refuses a push, and lets pop and ack make room', async () => {
  const broker = redis.connect({ inlineBytes: 100_000 });
  await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
  await redis.control.config('SET', 'maxmemory', '8mb');
  try {
    const pushed = Array.from({ length: 150 }, (_, i) => broker.push('t', numbered(i, 100_000)));
    const received: number[] = [];
    while (received.length < 150) {
      const popped = await broker.pop('t', { ...me, count: 64, waitMs: 10_000 });
      received.push(...popped.map(numberOf));
      await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 });
      await broker.ack('t', me, popped);
    }
    await Promise.all(pushed);
    expect(received).toEqual(Array.from({ length: 150 }, (_, i) => i));
  } finally {
    await redis.control.config('SET', 'maxmemory', '0');
  }
});

test('a pop ends before a message that would be too much for one reply, also behind one that is delivered again', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  const pop = async (): Promise<number[]> => (await broker.pop('t', { ...me, count: 3, waitMs: 0 })).map(({ seq }) => seq);
  for (let value = 1; value <= 3; value++) await broker.push('t', numbered(value, 20 * 1024 * 1024));
  expect(await pop()).toEqual([1]);
  await broker.release('t', me);
  expect(await pop()).toEqual([1]);
  expect(await pop()).toEqual([2]);
  expect(await pop()).toEqual([3]);
});
