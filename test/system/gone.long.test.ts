import { DualRedisBroker } from '#src/brokers/redis/redisBroker.js';
import { embeddedStore } from '../brokers/embedded/harness.js';
import { redisHarness } from '../support/redisHarness.js';
import { useRedisPair } from '../support/redisPair.js';
import { goneIn } from './goneIn.js';
import type { LossyPlace } from './goneIn.js';

const redis = useRedisPair();
const isolations = ['process', 'thread', 'inline'] as const;

goneIn(
  isolations.flatMap((isolation): LossyPlace[] => [
    { isolation, on: 'embedded', makeStore: () => embeddedStore() },
    {
      isolation,
      on: 'two Redises',
      makeStore: () =>
        redisHarness(
          () => [redis.controlServer, redis.dataServer],
          ([control, data], options) => new DualRedisBroker({ ...options, ...(control && { control }), ...(data && { data }) }),
        ).createStore(),
    },
  ]),
);
