import { numbered, until } from 'edgeflow/testing';
import { afterAll, afterEach, expect, test } from 'vitest';
import { useRedisPair } from '../../support/redisPair.js';

const redis = useRedisPair();
const me = { group: 'g', consumer: 'a' };

const warnings: Error[] = [];
const note = (warning: Error): void => {
  warnings.push(warning);
};
process.on('warning', note);
afterAll(() => process.off('warning', note));
afterEach(async () => {
  redis.controlServer.thaw();
  redis.dataServer.thaw();
  await redis.control.replicaof('NO', 'ONE');
});

test('a replica is refused at the start; a server that becomes one is waited for, and a warning says so', async () => {
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  await redis.control.replicaof('127.0.0.1', '1');
  await expect(redis.connect().open()).rejects.toMatchObject({
    code: 'BROKER_CONFIG',
    message: expect.stringContaining('is a replica, which takes no writes: name the master') as string,
  });
  const pushed = broker.push('t', numbered(1));
  await until('a warning says what is waited for', () => warnings.some(({ message }) => message.includes('READONLY')));
  expect(warnings.find(({ message }) => message.includes('READONLY'))).toMatchObject({ code: 'EDGEFLOW_BROKER_WAITS' });
  await redis.control.replicaof('NO', 'ONE');
  expect(await pushed).toEqual({ seq: 1, duplicate: false });
});

test('a pop that is aborted waits for no server that hangs; what it took goes to others', async () => {
  const leaver = redis.connect();
  const stayer = redis.connect();
  await leaver.declare({ topic: 't', groups: ['g'] });
  await leaver.pop('t', { ...me, count: 1, waitMs: 1 });
  await leaver.push('t', numbered(1));
  await stayer.open();
  redis.controlServer.freeze();
  const started = performance.now();
  expect(await leaver.pop('t', { ...me, count: 1, waitMs: 60_000, signal: AbortSignal.abort() })).toEqual([]);
  // The connection itself is given up after ten.
  expect(performance.now() - started).toBeLessThan(9_000);
  redis.controlServer.thaw();
  expect(await stayer.pop('t', { group: 'g', consumer: 'b', count: 1, waitMs: 60_000 })).toHaveLength(1);
});

test.each(['control', 'data'] as const)(
  'a popLatest that is aborted waits for no %s server that hangs; its message is had by the next call',
  async (plane) => {
    const broker = redis.connect();
    const me = { reader: 'r', consumer: 'a' };
    await broker.declare({ topic: 't', readers: ['r'] });
    await broker.popLatest('t', { ...me, waitMs: 1 });
    await broker.push('t', { ...numbered(1), payload: new Uint8Array(10_000) });
    const server = plane === 'control' ? redis.controlServer : redis.dataServer;
    server.freeze();
    const started = performance.now();
    expect(await broker.popLatest('t', { ...me, waitMs: 60_000, signal: AbortSignal.abort() })).toBeUndefined();
    // The connection itself is given up after ten, that to the data server after a minute.
    expect(performance.now() - started).toBeLessThan(9_000);
    server.thaw();
    expect(await broker.popLatest('t', { ...me, waitMs: 60_000 })).toMatchObject({ seq: 1, skipped: 0, gone: 0 });
    expect((await broker.stats())[0]?.readers.r).toEqual({ published: 1, delivered: 1, skipped: 0, waiting: 0 });
  },
);

test('any number of messages is acked, handed back and committed at once', async () => {
  const count = 45_000;
  const broker = redis.connect();
  await broker.declare({ topic: 't', groups: ['g'] });
  await Promise.all(Array.from({ length: 2 * count }, (_, value) => broker.push('t', numbered(value))));
  const take = async (): Promise<{ seq: number; token: number }[]> => {
    const taken = [];
    while (taken.length < count) taken.push(...(await broker.pop('t', { ...me, count: count - taken.length, waitMs: 60_000 })));
    return taken;
  };
  expect(await broker.ack('t', me, await take())).toEqual({ fenced: [] });
  await broker.release(
    't',
    me,
    (await take()).map(({ seq }) => seq),
  );
  const acks = [{ topic: 't', ...me, tickets: await take() }];
  expect(await broker.commit({ acks, messages: [] })).toEqual({ committed: true, fenced: [] });
  expect((await broker.stats())[0]?.groups.g).toMatchObject({ acked: 2 * count, open: 0 });
});
