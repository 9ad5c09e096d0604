import type { BrokerHarness } from 'edgeflow/testing';
import type { DualRedisBroker, DualRedisBrokerOptions, EmbeddedBroker, EmbeddedBrokerOptions } from 'edgeflow';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redelivery } from '#src/testing/contract/loss.js';
import { embeddedStore } from '../brokers/embedded/harness.js';
import * as broken from '../fixtures/broken/reapers.js';
import { redisHarness } from '../support/redisHarness.js';
import { startRedisServer } from '../support/redisServer.js';
import type { TestRedis } from '../support/redisServer.js';

type BrokenEmbedded = new (options: EmbeddedBrokerOptions) => EmbeddedBroker;
type BrokenRedis = new (options: DualRedisBrokerOptions) => DualRedisBroker;

let servers: TestRedis[] = [];
beforeAll(async () => {
  servers = await Promise.all([startRedisServer(), startRedisServer()]);
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

function embedded(Broken: BrokenEmbedded): BrokerHarness {
  return { independentClients: true, processes: true, createStore: (options) => embeddedStore(options, Broken) };
}

function redis(Broken: BrokenRedis): BrokerHarness {
  return redisHarness(
    () => servers,
    ([control, data], options) => new Broken({ ...options, ...(control && { control }), ...(data && { data }) }),
  );
}

/** What D4 has against a broker, in a single case: each takes seconds. */
async function objection(harness: BrokerHarness): Promise<unknown> {
  const { errorInstance } = await fc.check(redelivery.property(harness), { numRuns: 1, endOnFailure: true });
  return errorInstance;
}

/** No patience, where what is looked for never comes. */
const impatient = { patienceMs: 1_000 };

const caught: readonly (readonly [what: string, harness: BrokerHarness, objection: RegExp])[] = [
  [
    'embedded, never takes a dead consumer for dead',
    { ...embedded(broken.EmbeddedNeverReaps), ...impatient },
    /^not within .* delivered again$/,
  ],
  ['embedded, takes it for dead too late', embedded(broken.EmbeddedReapsLate), /^it took \d+ ms$/],
  ['embedded, takes a living consumer for dead', embedded(broken.EmbeddedReapsTheLiving), /^what a living consumer has /],
  [
    'two Redises, never takes a dead consumer for dead',
    { ...redis(broken.RedisNeverReaps), ...impatient },
    /^not within .* delivered again$/,
  ],
  ['two Redises, takes it for dead too late', redis(broken.RedisReapsLate), /^it took \d+ ms$/],
  ['two Redises, takes a living consumer for dead', redis(broken.RedisReapsTheLiving), /^what a living consumer has /],
];

// That it has nothing against the real ones: the contract tests of each.
describe('D4 catches a broker that is', () => {
  test.each(caught)('%s', async (_, harness, message) => {
    expect(await objection(harness)).toMatchObject({ message: expect.stringMatching(message) as string });
  });
});
