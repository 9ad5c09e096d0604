import type { Broker } from '../brokers/broker.js';
import { encodeValue } from '../codec.js';
import { EdgeFlowError } from '../errors.js';
import { sleepMs } from '../longTimer.js';
import { messageIdSource } from '../message.js';
import type { Recorded, RecordingReader } from './format.js';

/** Between two looks at whether readers have taken a message. */
const pollMs = 2;

const nextId = messageIdSource();

/** Which records of a recording are given, and when. */
interface RecordChoice {
  /** Aborted: nothing more is given. */
  readonly signal: AbortSignal;
  /** How many times as fast as recorded; `Infinity`: as fast as they are taken. */
  readonly speed: number;
  /** Those of this topic. @defaultValue all */
  readonly topic?: string | undefined;
  /** Those of messages with these ids. @defaultValue all */
  readonly only?: ReadonlySet<string> | undefined;
}

/** Options of {@link replayTopics}. */
interface ReplayTopicsOptions extends RecordChoice {
  /** Where they are published. @defaultValue the topic that they were recorded from */
  readonly as?: string | undefined;
  /** Publishes a message only when all REALTIME readers of its topic have taken the one before, so that they skip none. */
  readonly lockstep?: boolean;
  /** Called after each message. */
  readonly onProgress?: () => void;
}

/** How many messages were published to a topic. */
interface ReplayedTopic {
  readonly topic: string;
  readonly published: number;
}

/**
 * Publishes what a recording holds, in its order, as new messages of today.
 *
 * @returns what was published; when it was aborted, until then.
 * @throws EdgeFlowError `OPTIONS_INVALID` for a topic that there is not, or that a record does not tell.
 */
export async function replayTopics(
  broker: Broker,
  reader: RecordingReader,
  { as, lockstep = false, onProgress, ...choice }: ReplayTopicsOptions,
): Promise<readonly ReplayedTopic[]> {
  const { signal } = choice;
  const published = new Map<string, number>();
  const known = (await broker.stats()).map(({ topic }) => topic);
  try {
    for await (const { value, from } of chosenRecords(reader, choice)) {
      const target = as ?? from?.topic;
      if (target === undefined)
        throw new EdgeFlowError(
          'OPTIONS_INVALID',
          'the recording does not tell the topic of a value, as is so with those of recordTo: name one with --as',
        );
      if (!known.includes(target))
        throw new EdgeFlowError('OPTIONS_INVALID', `there is no topic '${target}' to publish to; there is: ${known.join(', ') || 'none'}`);
      await broker.push(target, { id: nextId(), time: Date.now(), ...encodeValue(value) }, { signal });
      published.set(target, (published.get(target) ?? 0) + 1);
      if (lockstep) await taken(broker, target, signal);
      onProgress?.();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return [...published].map(([topic, count]) => ({ topic, published: count }));
}

/**
 * The records that are chosen, none before its time.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` at the end, for a topic that was not recorded.
 */
export async function* chosenRecords(reader: RecordingReader, { signal, speed, topic, only }: RecordChoice): AsyncGenerator<Recorded> {
  const begun = performance.now();
  let first: number | undefined;
  for (let record = await reader.next(); record && !signal.aborted; record = await reader.next()) {
    const { at, from } = record;
    if (topic !== undefined && from.topic !== topic) continue;
    if (only !== undefined && (from.id === undefined || !only.has(from.id))) continue;
    first ??= at;
    const waitMs = begun + (at - first) / speed - performance.now();
    if (speed !== Infinity && waitMs > 0) await sleepMs(waitMs, signal);
    yield record;
  }
  if (topic !== undefined && !signal.aborted) reader.checkTopic(topic, 'edgeflow replay');
}

/** Waits until no REALTIME reader of a topic has anything to come. */
async function taken(broker: Broker, topic: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const readers = Object.values((await broker.stats()).find((stats) => stats.topic === topic)?.readers ?? {});
    if (readers.length === 0)
      throw new EdgeFlowError(
        'OPTIONS_INVALID',
        `topic '${topic}' has no REALTIME reader, and nothing is skipped of it: leave out --same-skips`,
      );
    if (readers.every(({ waiting }) => waiting === 0)) return;
    await sleepMs(pollMs, signal);
  }
}
