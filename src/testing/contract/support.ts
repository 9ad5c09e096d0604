import type { Broker, DeliveredMessage, GroupConsumer, GroupStats, ReaderStats, TopicStats } from '../../brokers/broker.js';
import { until } from '../harness.js';
import type { BrokerStore } from '../harness.js';

/** The consumer that most properties use. */
export const a: GroupConsumer = { group: 'g', consumer: 'a' };

/** Takes what is there for a consumer, without waiting. */
export function popNow(broker: Broker, topic: string, consumer: GroupConsumer = a, count = 1_000): Promise<DeliveredMessage[]> {
  return broker.pop(topic, { ...consumer, count, waitMs: 0 });
}

/** Takes and acks until the group has nothing left. */
export async function drain(broker: Broker, topic: string, consumer: GroupConsumer = a, timeoutMs = 30_000): Promise<DeliveredMessage[]> {
  const all: DeliveredMessage[] = [];
  await until(
    `group '${consumer.group}' of '${topic}' has nothing left`,
    async () => {
      const popped = await broker.pop(topic, { ...consumer, count: 64, waitMs: 20 });
      const { fenced } = await broker.ack(topic, consumer, popped);
      all.push(...popped.filter(({ seq }) => !fenced.some((ticket) => ticket.seq === seq)));
      const { open, unread } = await groupStats(broker, topic, consumer.group);
      return open + unread === 0;
    },
    timeoutMs,
  );
  return all;
}

export async function topicStats(broker: Broker, topic: string): Promise<TopicStats> {
  const found = (await broker.stats()).find((stats) => stats.topic === topic);
  if (!found) throw new Error(`the broker has no topic '${topic}'`);
  return found;
}

export async function groupStats(broker: Broker, topic: string, group: string): Promise<GroupStats> {
  const found = (await topicStats(broker, topic)).groups[group];
  if (!found) throw new Error(`topic '${topic}' has no group '${group}'`);
  return found;
}

export async function readerStats(broker: Broker, topic: string, reader: string): Promise<ReaderStats> {
  const found = (await topicStats(broker, topic)).readers[reader];
  if (!found) throw new Error(`topic '${topic}' has no reader '${reader}'`);
  return found;
}

/**
 * A consumer that dies and is started again under its name: the client is left as it is, and another one goes on. On a store
 * that is one object, what it had open is handed back, as its supervisor would.
 */
export async function crash(broker: Broker, store: BrokerStore, topic: string, consumer: GroupConsumer = a): Promise<Broker> {
  const next = await store.connect();
  if (next === broker) await broker.release(topic, consumer);
  return next;
}
