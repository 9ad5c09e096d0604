import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from '../brokers/broker.js';
import { decodeValue } from '../codec.js';
import { EdgeFlowError, hasCode } from '../errors.js';
import type { ReceivedMessage } from '../message.js';
import type { RecordingWriter } from './format.js';
import { inOrderOfTime } from './inOrderOfTime.js';
import { groupReader, storedReader } from './topicReader.js';
import type { TopicReader } from './topicReader.js';

/** Between two looks in which there was nothing new. */
const pollMs = 10;

/** Options of {@link recordTopics}. */
interface RecordTopicsOptions {
  /** Aborted: what was published by then is recorded, and the recording ends. */
  readonly signal: AbortSignal;
  /** Begins with what the topics store already. @defaultValue false: with the next message */
  readonly stored?: boolean;
  /**
   * Name of a DURABLE group that is made for the recording, and dropped at its end: then nothing is missed.
   * @defaultValue none: what is freed between two looks is missed, and counted
   */
  readonly group?: string | undefined;
  /** Called after each look that found something. */
  readonly onProgress?: (topics: readonly RecordedTopic[]) => void;
}

/** What was recorded of a topic. */
export interface RecordedTopic {
  readonly topic: string;
  readonly recorded: number;
  /** Messages that were freed before they were looked at. */
  readonly missed: number;
  /** Messages that are damaged, or were not written by EdgeFlow. */
  readonly unreadable: number;
}

interface State {
  readonly topic: string;
  recorded: number;
  missed: number;
  unreadable: number;
  /** Position up to which there is nothing left to record; undefined before the first of those that are stored. */
  last: number | undefined;
  reader: TopicReader;
}

/**
 * Records topics from outside: each message with its value, id, position and time, merged by time. Without a `group` it only
 * looks at what is stored: nothing is taken, counted or held.
 *
 * @returns what was recorded of each topic.
 * @throws EdgeFlowError `OPTIONS_INVALID` for a topic that there is not.
 */
export async function recordTopics(
  broker: Broker,
  topics: readonly string[],
  writer: RecordingWriter,
  { signal, stored = false, group, onProgress }: RecordTopicsOptions,
): Promise<readonly RecordedTopic[]> {
  const ends = await publishedOf(broker, topics);
  await writer.writeTopics(topics);
  try {
    // What is published before the group is there is found stored.
    if (group !== undefined) for (const topic of topics) await broker.declare({ topic, groups: [group] });
    const states = topics.map((topic, index): State => {
      const last = stored ? undefined : ends[index];
      return { topic, recorded: 0, missed: 0, unreadable: 0, last, reader: storedReader(broker, topic, last ?? 0) };
    });
    const record = async (): Promise<boolean> => {
      const more = await look(states, writer);
      if (more) onProgress?.(states.map(told));
      return more;
    };
    if (group !== undefined) {
      while (await record());
      for (const state of states) state.reader = groupReader(broker, state.topic, group);
    }
    while (!signal.aborted) if (!(await record())) await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    const last = await publishedOf(broker, topics);
    while ((await record()) && states.some((state, index) => (state.last ?? 0) < (last[index] ?? 0)));
    return states.map(told);
  } finally {
    if (group !== undefined) for (const topic of topics) await broker.dropGroup(topic, group);
  }
}

const told = ({ topic, recorded, missed, unreadable }: State): RecordedTopic => ({ topic, recorded, missed, unreadable });

async function publishedOf(broker: Broker, topics: readonly string[]): Promise<number[]> {
  const stats = await broker.stats();
  return topics.map((topic) => {
    const found = stats.find((each) => each.topic === topic);
    if (found) return found.published;
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `there is no topic '${topic}' to record; there is: ${stats.map((each) => each.topic).join(', ') || 'none'}`,
    );
  });
}

/** @returns whether there may be more. */
async function look(states: readonly State[], writer: RecordingWriter): Promise<boolean> {
  const pages = [];
  for (const state of states) pages.push({ state, ...(await state.reader.look()) });
  for (const [state, message] of inOrderOfTime(pages)) await write(state, message, writer);
  for (const { reader } of states) await reader.recorded();
  return pages.some(({ messages, more }) => more || messages.length > 0);
}

async function write(state: State, message: ReceivedMessage, writer: RecordingWriter): Promise<void> {
  const { id, seq, time } = message;
  const { topic, last = seq - 1 } = state;
  // A group gives what was found stored once more.
  if (seq <= last) return;
  state.missed += seq - last - 1;
  state.last = seq;
  let value: unknown;
  try {
    value = decodeValue(message);
  } catch (error) {
    if (!hasCode(error, 'MESSAGE_CORRUPT')) throw error;
    state.unreadable++;
    return;
  }
  await writer.write({ at: time, value, from: { topic, seq, id } });
  state.recorded++;
}
