import type { Broker, Ticket } from '../brokers/broker.js';
import type { ReceivedMessage } from '../message.js';

/** Most of one look at one topic: it waits in memory while the other topics are looked at. */
const pageMessages = 64;
const pageBytes = 8 * 1024 * 1024;

/** Reads a topic from outside, look by look. */
export interface TopicReader {
  /** What is new, in order; `more` where there is something left to look at. */
  look(): Promise<{ readonly messages: readonly ReceivedMessage[]; readonly more: boolean }>;
  /** What the last look gave is recorded. */
  recorded(): Promise<void>;
}

/** Looks at what is stored, behind a position. Nothing is taken, counted or held. */
export function storedReader(broker: Broker, topic: string, position: number): TopicReader {
  let after = position;
  return {
    look: async () => {
      const { messages, next } = await broker.range(topic, { after, limit: pageMessages, maxBytes: pageBytes });
      after = next ?? messages.at(-1)?.seq ?? after;
      return { messages, more: next !== undefined };
    },
    recorded: () => Promise.resolve(),
  };
}

/** Takes the messages of a group, and acks what is recorded. */
export function groupReader(broker: Broker, topic: string, group: string): TopicReader {
  const consumer = { group, consumer: 'recorder' };
  let taken: readonly Ticket[] = [];
  return {
    look: async () => {
      const messages = await broker.pop(topic, { ...consumer, count: pageMessages, waitMs: 0 });
      taken = messages;
      return { messages, more: messages.length > 0 };
    },
    recorded: async () => {
      if (taken.length > 0) await broker.ack(topic, consumer, taken);
      taken = [];
    },
  };
}
