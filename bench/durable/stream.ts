import { Redis } from 'ioredis';
import { batches, batchSize, detection, Tally, topicName } from './driver.js';
import type { Detection, Driver, DurableSetup } from './driver.js';

const group = 'consumer';

type StreamReply = [stream: string, entries: [id: string, fields: string[]][]][] | null;

/** A bare Redis stream by ioredis: pipelined XADD, XREADGROUP, XACK. The limit, without any of the guarantees above it. */
export const driver: Driver = {
  async producer(setup) {
    const redis = connect(setup);
    await redis.xgroup('CREATE', topicName, group, '0', 'MKSTREAM');
    return {
      run: async (phase) => {
        for (const batch of batches(phase, setup)) {
          const pipeline = redis.pipeline();
          for (const n of batch) pipeline.xadd(topicName, '*', 'v', JSON.stringify(detection(phase.phase, n)));
          await pipeline.exec();
        }
      },
      close: async () => {
        await redis.quit();
      },
    };
  },

  consumer(setup) {
    const reader = connect(setup);
    const commands = connect(setup);
    return Promise.resolve({
      run: async (phase) => {
        const tally = new Tally(phase);
        let acked: Promise<number> | undefined;
        while (!tally.complete) {
          const reply = (await reader.xreadgroup(
            ...(['GROUP', group, 'only', 'COUNT', batchSize, 'BLOCK', 1_000, 'STREAMS', topicName, '>'] as const),
          )) as StreamReply;
          const entries = reply?.[0]?.[1] ?? [];
          if (entries.length === 0) continue;
          for (const [, fields] of entries) tally.add(JSON.parse(fields[1] ?? '') as Detection);
          await acked;
          acked = commands.xack(topicName, group, ...entries.map(([id]) => id));
        }
        await acked;
      },
      close: async () => {
        await Promise.all([reader.quit(), commands.quit()]);
      },
    });
  },
};

function connect({ redis }: DurableSetup): Redis {
  if (!redis) throw new Error('no Redis in the setup of the bench');
  return new Redis({ ...redis, maxRetriesPerRequest: null });
}
