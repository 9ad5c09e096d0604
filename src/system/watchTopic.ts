import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Broker, TopicStats } from '../brokers/broker.js';
import { hasCode } from '../errors.js';
import type { ReceivedMessage } from '../message.js';

const prefix = 'watcher.';
const waitMs = 1_000;
/** Bytes of the values that one look goes back for: a few large ones are enough. */
const mostBytes = 1024 * 1024;
/**
 * Values that a watcher keeps stored beside the newest, and their bytes, at most: a topic keeps one more for each name that
 * reads it. Far less than a topic has room for, which a DURABLE group may need.
 */
const mostKept = 32;
const mostKeptBytes = 64 * 1024;

/** How a topic of a running System is watched. */
export interface WatchOptions {
  /** Ends it; so does the end of the broker. */
  readonly signal: AbortSignal;
  /**
   * How many of the values that came right before the newest, and that nobody would see otherwise, are given too: those without
   * a payload, and as far as they are still stored. Several of one turn, of several cameras say, are then all seen.
   * @defaultValue 0
   */
  readonly passedOver?: number;
}

/** A message that was seen in a topic. */
export interface WatchedMessage extends ReceivedMessage {
  /** False for one that was passed over, and is given before the newest. */
  readonly newest: boolean;
}

/**
 * The newest message of a topic, again and again. Reads REALTIME under a name of its own, which is in no ledger, and slows
 * nobody; the name is given up at the end.
 */
export async function* watchTopic(
  broker: Broker,
  topic: string,
  { signal, passedOver = 0 }: WatchOptions,
): AsyncGenerator<WatchedMessage, void, undefined> {
  const reader = `${ownPrefix()}${randomBytes(6).toString('hex')}`;
  const names = [reader];
  try {
    await broker.declare({ topic, readers: names });
    let last = Infinity;
    while (!signal.aborted) {
      const message = await broker.popLatest(topic, { reader, consumer: reader, waitMs, signal });
      if (!message) continue;
      const missed = Math.min(passedOver, message.seq - last - 1);
      last = message.seq;
      if (missed > 0 && message.payload.length === 0) {
        const values = await valuesBefore(broker, topic, message.seq, missed);
        for (const value of values) yield { ...value, newest: false };
        const wanted = Math.min(missed, mostKept, Math.floor(mostKeptBytes / message.meta.length));
        // Some were freed before they could be read: with more names more of the newest stay.
        if (values.length < missed && names.length < wanted) {
          while (names.length < wanted) names.push(`${reader}.${names.length}`);
          await broker.declare({ topic, readers: names });
        }
      }
      yield { ...message, newest: true };
    }
  } catch (error) {
    if (!hasCode(error, 'BROKER_CLOSED')) throw error;
  } finally {
    for (const name of names) await retire(broker, topic, name);
  }
}

/** The last values before a message, as far as they are stored. */
async function valuesBefore(broker: Broker, topic: string, seq: number, count: number): Promise<readonly ReceivedMessage[]> {
  const { messages } = await broker.range(topic, { after: seq - 1 - count, limit: count, maxBytes: mostBytes });
  return messages.filter((message) => message.seq < seq && message.payload.length === 0);
}

/** Whether a reader is one that only watches. */
export function isWatcher(reader: string): boolean {
  return reader.startsWith(prefix);
}

/** Gives up the names of all watchers: those that the killed processes of an earlier run left behind. */
export async function retireWatchers(broker: Broker, stats: readonly TopicStats[]): Promise<void> {
  await retireThose(broker, stats, isWatcher);
}

/** Gives up the names of watchers whose process is gone, as far as it was one of this host. The others go on. */
export async function retireDeadWatchers(broker: Broker, stats: readonly TopicStats[]): Promise<void> {
  const here = thisPlace();
  await retireThose(broker, stats, (reader) => {
    const [, place, pid] = /^watcher\.([0-9a-f]+)-(\d+)\./.exec(reader) ?? [];
    return pid !== undefined && place === here && !lives(Number(pid));
  });
}

async function retireThose(broker: Broker, stats: readonly TopicStats[], which: (reader: string) => boolean): Promise<void> {
  for (const { topic, readers } of stats) for (const reader of Object.keys(readers)) if (which(reader)) await retire(broker, topic, reader);
}

function ownPrefix(): string {
  return `${prefix}${thisPlace()}-${process.pid}.`;
}

/** Where a process id means a process: this host since it was started, and of it this container. */
function thisPlace(): string {
  let start = '';
  let namespace = '';
  try {
    start = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux: the name of the host has to do.
  }
  return createHash('sha256').update(`${hostname()} ${start} ${namespace}`).digest('hex').slice(0, 12);
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // One of another user is there, too.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function retire(broker: Broker, topic: string, reader: string): Promise<void> {
  try {
    await broker.dropReader(topic, reader);
  } catch (error) {
    // The next run does it.
    if (!hasCode(error, 'BROKER_CLOSED')) throw error;
  }
}
