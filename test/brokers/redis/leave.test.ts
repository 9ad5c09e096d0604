import { numbered, numberOf, until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { commands } from '#src/brokers/redis/command.js';
import { proxiedRedis } from '../../support/proxiedRedis.js';
import { useRedisPair } from '../../support/redisPair.js';
import { startReplyThief } from '../../support/replyThief.js';

const redis = useRedisPair();
const proxied = proxiedRedis();
const leaving = { group: 'g', consumer: 'leaving', count: 9, waitMs: 60_000 };
const staying = { group: 'g', consumer: 'staying', count: 9, waitMs: 60_000 };

test('a pop that is aborted when its reply was lost leaves nothing behind: others get what it took', async () => {
  const thief = await startReplyThief(redis.controlServer);
  try {
    const leaver = redis.connect({ control: thief.path });
    const stayer = redis.connect();
    await leaver.declare({ topic: 't', groups: ['g'] });
    // The server knows the script from then on.
    await leaver.pop('t', { ...leaving, waitMs: 0 });
    await leaver.push('t', numbered(1));
    const ended = new AbortController();
    thief.stealAndGo(commands.pop.sha);
    const popping = leaver.pop('t', { ...leaving, signal: ended.signal });
    await until('the reply is lost', () => thief.stolen === 1);
    ended.abort();
    expect(await popping).toEqual([]);
    thief.come();
    expect((await stayer.pop('t', staying)).map(numberOf)).toEqual([1]);
  } finally {
    await thief.close();
  }
});

test('a pop that is aborted while the data plane is away leaves nothing behind', async () => {
  const leaver = proxied.client();
  const stayer = proxied.client();
  await leaver.declare({ topic: 't', groups: ['g'] });
  await leaver.push('t', numbered(1, 50_000));
  await stayer.open();
  await proxied.data.proxy.refuse();
  proxied.data.proxy.drop();
  const ended = new AbortController();
  const popping = leaver.pop('t', { ...leaving, signal: ended.signal });
  await until('it is taken', async () => (await stayer.stats())[0]?.groups.g?.open === 1);
  ended.abort();
  expect(await popping).toEqual([]);
  await proxied.data.proxy.normal();
  expect((await stayer.pop('t', staying)).map(numberOf)).toEqual([1]);
});
