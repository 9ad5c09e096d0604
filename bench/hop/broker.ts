import { randomUUID } from 'node:crypto';
import { connectBroker } from 'edgeflow';
import type { AckResult, Broker, DeliveredMessage } from 'edgeflow';
import type { Driver } from './driver.js';
import type { FrameSetup } from './protocol.js';

const newestTopic = (audience: number): string => `newest-${audience}`;
const group = { group: 'consumer', consumer: 'only' };
/** How consumers read, the newest and one by one: in place, where the broker can. */
const reading = { waitMs: 1_000, inPlace: true };

/** EdgeFlow's brokers: push to popLatest, and push to pop and ack. */
export const driver: Driver = {
  async producer(setup) {
    const broker = await connect(setup);
    for (const audience of setup.audiences)
      await broker.declare({
        topic: newestTopic(audience),
        readers: Array.from({ length: audience }, (_, consumer) => `consumer-${consumer}`),
      });
    await broker.declare({ topic: setup.everyTopic, groups: [group.group] });
    const session = randomUUID();
    let count = 0;
    const push = async (topic: string, { meta, picture }: { meta: Buffer; picture: Buffer }): Promise<void> => {
      await broker.push(topic, { id: `${session}-${count++}`, time: Date.now(), meta, payload: picture });
    };
    return {
      ready: () => Promise.resolve(),
      sendNewest: (audience, frame) => push(newestTopic(audience), frame),
      sendEvery: (frame) => push(setup.everyTopic, frame),
      storedBytes: async (audience) => {
        const stored = (await broker.stats()).find(({ topic }) => topic === newestTopic(audience));
        return stored ? stored.bytes / stored.entries : NaN;
      },
      close: () => broker.close(),
    };
  },

  async consumer(setup) {
    const broker = await connect(setup);
    const reader = { reader: `consumer-${setup.consumer ?? 0}`, consumer: 'only' };
    let open: DeliveredMessage[] = [];
    let acked: Promise<AckResult> | undefined;
    let looked: number[] = [];
    return {
      latest: async (audience) => {
        broker.letGo?.(newestTopic(audience), reader.reader, looked);
        const message = await broker.popLatest(newestTopic(audience), { ...reader, ...reading });
        looked = message ? [message.seq] : [];
        return message && { meta: message.meta, picture: message.payload };
      },
      // One batch is acked while the next is being fetched.
      next: async (atMost) => {
        await acked;
        acked = open.length > 0 ? broker.ack(setup.everyTopic, group, open) : undefined;
        open = await broker.pop(setup.everyTopic, { ...group, ...reading, count: atMost });
        return open.map(({ meta, payload }) => ({ meta, picture: payload }));
      },
      settle: async () => {
        await Promise.all([acked, broker.ack(setup.everyTopic, group, open)]);
        [acked, open] = [undefined, []];
      },
      close: () => broker.close(),
    };
  },
};

function connect({ broker }: FrameSetup): Promise<Broker> {
  if (!broker) throw new Error('no broker in the setup of the bench');
  return connectBroker(broker);
}
