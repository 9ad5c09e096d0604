import { numbered, numberOf, until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import type { Broker, Commit, DeliveredMessage, TopicStats } from '#src/brokers/broker.js';
import { commands } from '#src/brokers/redis/command.js';
import type { OutgoingMessage } from '#src/message.js';
import { useRedisPair } from '../../support/redisPair.js';
import { startReplyThief } from '../../support/replyThief.js';

const redis = useRedisPair();
const me = { group: 'g', consumer: 'a' };
const sink = { group: 's', consumer: 'a' };

const popAll = (broker: Broker, topic: string, consumer = me): Promise<DeliveredMessage[]> =>
  broker.pop(topic, { ...consumer, count: 1_000, waitMs: 0 });
const answer = (ticket: DeliveredMessage, ...outputs: OutgoingMessage[]): Commit => ({
  acks: [{ topic: 'in', ...me, tickets: [ticket] }],
  messages: outputs.map((message) => ({ topic: 'out', message })),
});

async function declareChain(broker: Broker, inputs: number): Promise<DeliveredMessage[]> {
  await broker.declare({ topic: 'in', groups: ['g'] });
  await broker.declare({ topic: 'out', groups: ['s'] });
  await Promise.all(Array.from({ length: inputs }, (_, value) => broker.push('in', numbered(value))));
  return popAll(broker, 'in');
}

async function statsOf(broker: Broker, name: string): Promise<TopicStats | undefined> {
  return (await broker.stats()).find(({ topic }) => topic === name);
}

test('commits whose reply is lost are repeated, and have happened once', async () => {
  const thief = await startReplyThief(redis.controlServer);
  try {
    const broker = redis.connect({ control: thief.path });
    const popped = await declareChain(broker, 6);
    thief.steal(commands.commit.sha);
    const results = await Promise.all(
      popped.map((message, i) => broker.commit(answer(message, numbered(10 + i, 9_000), numbered(20 + i)))),
    );
    expect(thief.stolen).toBe(1);
    expect(results).toEqual(popped.map(() => ({ committed: true, fenced: [] })));
    const outputs = await popAll(broker, 'out', sink);
    expect(outputs.map(numberOf)).toEqual(popped.flatMap((_, i) => [10 + i, 20 + i]));
    expect((await statsOf(broker, 'in'))?.groups.g).toMatchObject({ acked: 6, open: 0 });
    await broker.ack('out', sink, outputs);
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    expect(await redis.data.dbsize()).toBe(0);
  } finally {
    await thief.close();
  }
});

test('a commit whose reply is lost and that was fenced stays fenced', async () => {
  const thief = await startReplyThief(redis.controlServer);
  try {
    const broker = redis.connect({ control: thief.path });
    const [early] = await declareChain(broker, 1);
    if (!early) throw new Error('a message expected');
    await broker.release('in', me);
    await popAll(broker, 'in', { group: 'g', consumer: 'b' });
    thief.steal(commands.commit.sha);
    const { committed, fenced } = await broker.commit(answer(early, numbered(10, 9_000)));
    expect([committed, fenced, thief.stolen]).toEqual([false, [{ topic: 'in', seq: 1, token: early.token }], 1]);
    expect(await popAll(broker, 'out', sink)).toEqual([]);
    expect(await redis.data.dbsize()).toBe(0);
  } finally {
    await thief.close();
  }
});

test('kill -9 of the control server, twice, amid 2,000 commits: one output for each input', async () => {
  const total = 2_000;
  const producer = redis.connect();
  const node = redis.connect();
  await producer.declare({ topic: 'in', groups: ['g'] });
  await producer.declare({ topic: 'out', groups: ['s'] });
  await Promise.all(Array.from({ length: total }, (_, value) => producer.push('in', numbered(value))));
  let committed = 0;
  const restarts: Promise<void>[] = [];
  while (committed < total) {
    const popped = await node.pop('in', { ...me, count: 64, waitMs: 1_000 });
    // New ids: nothing but the step itself keeps an output single.
    const commits = popped.map((message) =>
      node.commit(answer(message, numbered(numberOf(message), numberOf(message) % 10 === 0 ? 5_000 : 50))),
    );
    if (committed >= (total * (restarts.length + 1)) / 3 && restarts.length < 2)
      restarts.push(redis.controlServer.kill().then(() => redis.controlServer.start()));
    committed += (await Promise.all(commits)).filter((result) => result.committed).length;
    await Promise.all(restarts);
  }
  expect(restarts).toHaveLength(2);
  const outputs: number[] = [];
  while (outputs.length < total) {
    const popped = await popAll(producer, 'out', sink);
    outputs.push(...popped.map(numberOf));
    await producer.ack('out', sink, popped);
    if (popped.length === 0) break;
  }
  expect(outputs).toEqual(Array.from({ length: total }, (_, value) => value));
  expect(await statsOf(producer, 'in')).toMatchObject({ entries: 0, groups: { g: { acked: total, open: 0, unread: 0 } } });
  expect(await statsOf(producer, 'out')).toMatchObject({ published: total, entries: 0, bytes: 0 });
});

test('commits of one tick go together', async () => {
  const broker = redis.connect();
  const popped = await declareChain(broker, 500);
  await redis.control.config('RESETSTAT');
  await Promise.all(popped.map((message) => broker.commit(answer(message, numbered(numberOf(message))))));
  const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.control.info('commandstats'))?.[1]);
  expect(calls).toBeLessThan(10);
  expect((await popAll(broker, 'out', sink)).map(numberOf)).toEqual(popped.map(numberOf));
});

test('a commit that waits keeps no payload; its signal ends the wait, and those behind it go on', async () => {
  const broker = redis.connect();
  const [first, second] = await declareChain(broker, 2);
  if (!first || !second) throw new Error('two messages expected');
  await broker.declare({ topic: 'out', maxBytes: 1_000 });
  const known = numbered(0, 2_000);
  await broker.push('out', known);
  const abort = new AbortController();
  const waiting = broker.commit(answer(first, numbered(10, 50_000)), { signal: abort.signal });
  // It needs no room, but its turn.
  const behind = broker.commit(answer(second, known));
  await until('the first waits', async () => (await redis.control.hget('edgeflow:topic:out', 'ring:space')) !== null);
  await until('its payload is not kept', async () => (await redis.data.dbsize()) === 0);
  expect((await statsOf(broker, 'in'))?.groups.g).toMatchObject({ acked: 0, open: 2 });
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(await behind).toMatchObject({ committed: true });
  expect((await statsOf(broker, 'in'))?.groups.g).toMatchObject({ acked: 1, open: 1 });
  // What was not committed is still the consumer's.
  expect((await broker.ack('in', me, [first])).fenced).toEqual([]);
});

test('close ends the wait of a commit', async () => {
  const broker = redis.connect();
  const [first] = await declareChain(broker, 1);
  if (!first) throw new Error('a message expected');
  await broker.declare({ topic: 'out', maxBytes: 1_000 });
  await broker.push('out', numbered(0, 2_000));
  const waiting = broker.commit(answer(first, numbered(10)));
  const rejected = expect(waiting).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
  await until('it waits', async () => (await redis.control.hget('edgeflow:topic:out', 'ring:space')) !== null);
  await broker.close();
  await rejected;
});

test.each(['control', 'data'] as const)(
  'at the maxmemory of the %s server a commit waits, or is rejected, and settles nothing meanwhile',
  async (plane) => {
    const broker = redis.connect({ inlineBytes: plane === 'control' ? 1_000_000 : 1_000 });
    const bytes = plane === 'control' ? 100_000 : 1_000_000;
    const count = plane === 'control' ? 120 : 20;
    const popped = await declareChain(broker, count);
    await redis[plane].config('SET', 'maxmemory', '8mb');
    try {
      const commits = Promise.all(popped.map((message) => broker.commit(answer(message, numbered(numberOf(message), bytes)))));
      const received: number[] = [];
      while (received.length < count) {
        const outputs = await broker.pop('out', { ...sink, count: 64, waitMs: 10_000 });
        const acked = (await statsOf(broker, 'in'))?.groups.g?.acked;
        expect(acked).toBeLessThanOrEqual((await statsOf(broker, 'out'))?.published ?? 0);
        received.push(...outputs.map(numberOf));
        await broker.ack('out', sink, outputs);
      }
      expect((await commits).every(({ committed }) => committed)).toBe(true);
      expect(received).toEqual(popped.map(numberOf));

      await broker.declare({ topic: 'out', onFull: 'reject' });
      await Promise.all(popped.map((_, value) => broker.push('in', numbered(value))));
      const again = await popAll(broker, 'in');
      const outcomes = await Promise.allSettled(again.map((message) => broker.commit(answer(message, numbered(numberOf(message), bytes)))));
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refused.length).toBeGreaterThan(0);
      expect(refused[0]?.reason).toMatchObject({ code: 'BROKER_FULL' });
      expect((await statsOf(broker, 'in'))?.groups.g).toMatchObject({ acked: 2 * count - refused.length, open: refused.length });
    } finally {
      await redis[plane].config('SET', 'maxmemory', '0');
    }
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
  },
);

test('at its maxmemory the control server lets commits that publish nothing through', async () => {
  const broker = redis.connect({ inlineBytes: 1_000_000 });
  const popped = await declareChain(broker, 3);
  await broker.declare({ topic: 'fill', groups: ['s'], onFull: 'reject' });
  await redis.control.config('SET', 'maxmemory', '8mb');
  try {
    await until('the server is full', () =>
      broker.push('fill', numbered(0, 200_000)).then(
        () => false,
        () => true,
      ),
    );
    const results = await Promise.all(popped.map((message) => broker.commit(answer(message))));
    expect(results.every(({ committed }) => committed)).toBe(true);
  } finally {
    await redis.control.config('SET', 'maxmemory', '0');
  }
});
