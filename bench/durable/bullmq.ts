import { Queue, Worker } from 'bullmq';
import type { ConnectionOptions } from 'bullmq';
import { batches, detection, Tally, topicName } from './driver.js';
import type { Detection, Driver, DurableSetup } from './driver.js';

/** BullMQ: addBulk in batches, a worker with so many jobs under way. */
export const driver: Driver = {
  async producer(setup) {
    const queue = new Queue<Detection>(topicName, { connection: connection(setup) });
    await queue.waitUntilReady();
    // What is acknowledged is removed, as the other peers do.
    const opts = { removeOnComplete: true, removeOnFail: true };
    return {
      run: async (phase) => {
        for (const batch of batches(phase, setup))
          await queue.addBulk(batch.map((n) => ({ name: 'detection', data: detection(phase.phase, n), opts })));
      },
      close: () => queue.close(),
    };
  },

  async consumer(setup) {
    let tally: Tally | undefined;
    const worker = new Worker<Detection>(
      topicName,
      ({ data }) => {
        tally?.add(data);
        return Promise.resolve();
      },
      { connection: connection(setup), concurrency: setup.concurrency ?? 1 },
    );
    await worker.waitUntilReady();
    return {
      run: (phase) =>
        new Promise((resolve, reject) => {
          tally = new Tally(phase);
          let completed = 0;
          const done = (): void => {
            if (++completed < phase.count) return;
            worker.off('completed', done);
            resolve();
          };
          // Told when Redis has moved the job out of its active list: BullMQ's ack.
          worker.on('completed', done);
          worker.once('failed', (_, error) => {
            reject(error);
          });
          worker.once('error', reject);
        }),
      close: () => worker.close(),
    };
  },
};

function connection({ redis }: DurableSetup): ConnectionOptions {
  if (!redis) throw new Error('no Redis in the setup of the bench');
  return { ...redis, maxRetriesPerRequest: null };
}
