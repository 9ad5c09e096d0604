// The consumer process of bench/scale.ts.
import { setMaxListeners } from 'node:events';
import { connectBroker } from 'edgeflow';
import type { AckResult, Broker } from 'edgeflow';
import { clockMs } from '../support/clock.js';
import { playRole } from '../support/role.js';
import { batchSize, usedSince, group, topicNames } from './setup.js';
import type { ScaleProtocol } from './setup.js';

playRole<ScaleProtocol>(async (setup) => {
  const brokers = await Promise.all(Array.from({ length: setup.consumers }, () => connectBroker(setup.broker)));
  const topics = topicNames(setup);

  /** Reads one topic until all that are to be taken were, from whichever topic and by whom. */
  const read = async (broker: Broker, consumer: string, topic: string, left: { count: number }, done: AbortController): Promise<void> => {
    const own = { group, consumer };
    let acked: Promise<AckResult> | undefined;
    while (left.count > 0) {
      const count = Math.min(batchSize, Math.max(1, Math.ceil(left.count / brokers.length)));
      const messages = await broker.pop(topic, { ...own, count, waitMs: 1_000, signal: done.signal });
      left.count -= messages.length;
      await acked;
      acked = messages.length > 0 ? broker.ack(topic, own, messages) : undefined;
    }
    await acked;
    done.abort();
  };

  return {
    run: async ({ taken }) => {
      const cpu = process.cpuUsage();
      const left = { count: taken };
      const done = new AbortController();
      setMaxListeners(0, done.signal);
      if (taken > 0)
        await Promise.all(brokers.flatMap((broker, index) => topics.map((topic) => read(broker, `consumer-${index}`, topic, left, done))));
      return { ms: clockMs(), ...usedSince(cpu) };
    },
    close: async () => {
      await Promise.all(brokers.map((broker) => broker.close()));
    },
  };
});
