import { randomBytes } from 'node:crypto';
import type { Broker, TopicStats } from '../brokers/broker.js';
import { hasCode } from '../errors.js';
import type { ReceivedMessage } from '../message.js';

const prefix = 'watcher.';
const waitMs = 1_000;

/**
 * The newest message of a topic, again and again. Reads REALTIME under a name of its own, which is in no ledger, and slows
 * nobody; the name is given up at the end.
 *
 * @param signal - ends it; so does the end of the broker.
 */
export async function* watchTopic(broker: Broker, topic: string, signal: AbortSignal): AsyncGenerator<ReceivedMessage, void, undefined> {
  const reader = `${prefix}${randomBytes(6).toString('hex')}`;
  try {
    await broker.declare({ topic, readers: [reader] });
    while (!signal.aborted) {
      const message = await broker.popLatest(topic, { reader, consumer: reader, waitMs, signal });
      if (message) yield message;
    }
  } catch (error) {
    if (!hasCode(error, 'BROKER_CLOSED')) throw error;
  } finally {
    await retire(broker, topic, reader);
  }
}

/** Whether a reader is one that only watches. */
export function isWatcher(reader: string): boolean {
  return reader.startsWith(prefix);
}

/** Gives up the names that watchers left behind whose process was killed. */
export async function retireWatchers(broker: Broker, stats: readonly TopicStats[]): Promise<void> {
  for (const { topic, readers } of stats)
    for (const reader of Object.keys(readers)) if (isWatcher(reader)) await retire(broker, topic, reader);
}

async function retire(broker: Broker, topic: string, reader: string): Promise<void> {
  try {
    await broker.dropReader(topic, reader);
  } catch (error) {
    // The next run does it.
    if (!hasCode(error, 'BROKER_CLOSED')) throw error;
  }
}
