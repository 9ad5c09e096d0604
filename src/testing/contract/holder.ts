/** A process that takes messages of a group and holds them until it is killed; the broker's address comes by IPC, for it may hold a password. */
import { connectBroker } from '../../brokers/connect.js';
import type { BrokerConfig, GroupConsumer } from '../../brokers/broker.js';

/** What a holder is told. */
export interface HolderTask {
  readonly config: BrokerConfig;
  readonly topic: string;
  readonly consumer: GroupConsumer;
  readonly count: number;
}

process.on('disconnect', () => process.exit(1));
process.on('message', ({ config, topic, consumer, count }: HolderTask) => {
  const hold = async (): Promise<void> => {
    const broker = await connectBroker(config);
    const messages = await broker.pop(topic, { ...consumer, count, waitMs: 30_000 });
    process.send?.(messages.map(({ seq }) => seq));
  };
  hold().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
