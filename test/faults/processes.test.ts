import type { Broker } from 'edgeflow';
import { numbered, numberOf } from 'edgeflow/testing';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { RedisBroker } from '#src/brokers/redis/redisBroker.js';
import { expectBalance } from '../support/balance.js';
import { brokerProcess } from '../support/brokerProcess.js';
import { startRedisServer } from '../support/redisServer.js';
import type { RunningModule } from '../support/runModule.js';
import { onBothBrokers } from '../support/system.js';

/** Consumers in processes that stop, and whose clocks jump. */
const me = { group: 'g', consumer: 'b' };
const hour = 3_600_000;
const processes: RunningModule[] = [];
let broker: Broker;

afterEach(async () => {
  await Promise.all(processes.splice(0).map((child) => child.kill()));
  await broker.close();
});

async function start(text: string): Promise<RunningModule> {
  const child = await brokerProcess(broker, `const me = { group: 'g', consumer: 'a' };\n${text}\nsetInterval(() => undefined, 1_000);`);
  processes.push(child);
  return child;
}

onBothBrokers((makeBroker) => {
  test('a consumer stopped by SIGSTOP for longer than the visibility time: redelivered, and its late acks are fenced', async () => {
    broker = makeBroker({ visibilityMs: 400 });
    await broker.declare({ topic: 't', groups: ['g'] });
    for (const value of [0, 1, 2]) await broker.push('t', numbered(value, 5_000));
    const stopped = await start(`
      const messages = await broker.pop('t', { ...me, count: 10, waitMs: 10_000 });
      process.on('SIGUSR2', async () => {
        const { fenced } = await broker.ack('t', me, messages);
        console.log('fenced', fenced.length);
      });
      console.log('held', messages.length);`);
    expect(await stopped.line('held')).toBe('3');
    stopped.child.kill('SIGSTOP');
    const again = await broker.pop('t', { ...me, count: 10, waitMs: 20_000 });
    expect(again.map((message) => [numberOf(message), message.attempt])).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
    ]);
    stopped.child.kill('SIGUSR2');
    stopped.child.kill('SIGCONT');
    expect(await stopped.line('fenced')).toBe('3');
    expect((await broker.stats())[0]?.groups.g).toEqual({ published: 3, acked: 0, dead: 0, open: 3, unread: 0 });
    expect(await broker.ack('t', me, again)).toEqual({ fenced: [] });
    const stats = await broker.stats();
    expect(stats[0]?.groups.g).toEqual({ published: 3, acked: 3, dead: 0, open: 0, unread: 0 });
    expectBalance(stats);
  });

  test('a consumer whose wall clock jumps by an hour, to and fro, keeps its messages while it lives, and no longer', async () => {
    broker = makeBroker({ visibilityMs: 1_000 });
    await broker.declare({ topic: 't', groups: ['g'] });
    await broker.push('t', numbered(1));
    const jumping = await start(`
      jump(${hour});
      const messages = await broker.pop('t', { ...me, count: 10, waitMs: 10_000 });
      let way = -2;
      setInterval(() => jump((way = -way) * ${hour}), 50);
      console.log('held', messages.length);`);
    expect(await jumping.line('held')).toBe('1');
    expect(await broker.pop('t', { ...me, count: 10, waitMs: 1_300 })).toEqual([]);
    await jumping.kill();
    const again = await broker.pop('t', { ...me, count: 10, waitMs: 20_000 });
    expect(again.map(({ attempt }) => attempt)).toEqual([2]);
    expect((await broker.ack('t', me, again)).fenced).toEqual([]);
    expectBalance(await broker.stats());
  });

  test('a retry comes after its delay, though the wall clock of its consumer jumps by an hour, to and fro', async () => {
    broker = makeBroker();
    await broker.declare({ topic: 't', groups: ['g'] });
    await broker.push('t', numbered(1));
    const jumping = await start(`
      const [message] = await broker.pop('t', { ...me, count: 1, waitMs: 10_000 });
      const start = performance.now();
      await broker.nack('t', me, message, { error: 'no', retryAfterMs: 200 });
      let way = -2;
      jump(${hour});
      setInterval(() => jump((way = -way) * ${hour}), 30);
      const [again] = await broker.pop('t', { ...me, count: 1, waitMs: 20_000 });
      const waited = performance.now() - start;
      await broker.ack('t', me, [again]);
      console.log('again', JSON.stringify({ attempt: again.attempt, late: waited > 195 }));`);
    expect(JSON.parse(await jumping.line('again'))).toEqual({ attempt: 2, late: true });
    const stats = await broker.stats();
    expect(stats[0]?.groups.g?.acked).toBe(1);
    expectBalance(stats);
  });
});

// The only times that Redis itself compares are those of retries. To move its clock by an hour, seen from there, is to move
// these times by an hour the other way.
test.each([
  ['forward', -hour],
  ['back', hour],
])('the clock of a Redis server is set %s by an hour: a retry comes early or late, leases stay, nothing is lost', async (_, shift) => {
  const server = await startRedisServer();
  const admin = new Redis({ ...server.endpoint });
  broker = new RedisBroker({ server: server.endpoint });
  try {
    await broker.declare({ topic: 't', groups: ['g'] });
    for (const value of [0, 1]) await broker.push('t', numbered(value));
    const [failed, held] = await broker.pop('t', { ...me, count: 2, waitMs: 0 });
    if (!failed || !held) throw new Error('no messages');
    await broker.nack('t', me, failed, { error: 'no', retryAfterMs: 60_000 });
    await admin.zincrby('edgeflow:topic:t:due:g', shift, failed.seq);
    const early = await broker.pop('t', { ...me, count: 2, waitMs: 50 });
    expect(early.map(({ seq }) => seq)).toEqual(shift < 0 ? [failed.seq] : []);
    expect((await broker.stats())[0]?.groups.g).toEqual({ published: 2, acked: 0, dead: 0, open: 2, unread: 0 });
    // The hour, and the delay, have passed.
    if (shift > 0) await admin.zincrby('edgeflow:topic:t:due:g', -hour - 60_000, failed.seq);
    const late = shift > 0 ? await broker.pop('t', { ...me, count: 2, waitMs: 10_000 }) : early;
    expect(late.map(({ seq, attempt }) => [seq, attempt])).toEqual([[failed.seq, 2]]);
    expect(await broker.ack('t', me, [...late, held])).toEqual({ fenced: [] });
    const stats = await broker.stats();
    expect(stats[0]?.groups.g).toEqual({ published: 2, acked: 2, dead: 0, open: 0, unread: 0 });
    expectBalance(stats);
  } finally {
    admin.disconnect();
    await broker.close();
    await server.stop();
  }
});
