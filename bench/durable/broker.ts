import { randomUUID } from 'node:crypto';
import { connectBroker } from 'edgeflow';
import type { AckResult, Broker } from 'edgeflow';
import { batchSize, batches, detection, Tally, topicName } from './driver.js';
import type { Detection, Driver, DurableSetup } from './driver.js';

const empty = new Uint8Array(0);

/** EdgeFlow's brokers by their contract: push, pop, ack. */
export const driver: Driver = {
  async producer(setup) {
    const broker = await connect(setup);
    await broker.declare({ topic: topicName, groups: ['consumer'] });
    const session = randomUUID();
    return {
      run: async (phase) => {
        for (const batch of batches(phase, setup))
          await Promise.all(
            batch.map((n) => {
              const meta = Buffer.from(JSON.stringify(detection(phase.phase, n)));
              return broker.push(topicName, { id: `${session}-${phase.phase}-${n}`, time: Date.now(), meta, payload: empty });
            }),
          );
      },
      close: () => broker.close(),
    };
  },

  async consumer(setup) {
    const broker = await connect(setup);
    const consumer = { group: 'consumer', consumer: 'only' };
    return {
      run: async (phase) => {
        const tally = new Tally(phase);
        // One batch is acked while the next is being read.
        let acked: Promise<AckResult> | undefined;
        while (!tally.complete) {
          const messages = await broker.pop(topicName, { ...consumer, count: batchSize, waitMs: 1_000 });
          for (const { meta } of messages)
            tally.add(JSON.parse(Buffer.from(meta.buffer, meta.byteOffset, meta.byteLength).toString()) as Detection);
          await acked;
          acked = broker.ack(topicName, consumer, messages);
        }
        await acked;
      },
      close: () => broker.close(),
    };
  },
};

function connect({ broker }: DurableSetup): Promise<Broker> {
  if (!broker) throw new Error('no broker in the setup of the bench');
  return connectBroker(broker);
}
