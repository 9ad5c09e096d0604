import { inspect } from 'node:util';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { decodeValue } from '../codec.js';
import { describeError, EdgeFlowError } from '../errors.js';
import type { ReceivedMessage } from '../message.js';
import { retireDeadWatchers, watchTopic } from '../system/watchTopic.js';
import { endSignal } from './endSignal.js';
import { addStoreOptions, withBroker } from './storeOption.js';
import type { StoreFlags } from './storeOption.js';

/** A terminal shows no more of a value. */
const shown = { depth: 4, maxArrayLength: 20, maxStringLength: 200, breakLength: Infinity, compact: true } as const;

interface TailFlags extends StoreFlags {
  readonly count: number;
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number of at least 1.');
}

/** The value with the size of its payload in place of the bytes. */
function valueOf({ meta, payload }: ReceivedMessage): object {
  try {
    const value = decodeValue({ meta, payload: new Uint8Array(0) });
    return payload.length > 0 ? { value, payloadBytes: payload.length } : { value };
  } catch (error) {
    return { error: describeError(error) };
  }
}

async function tail(topic: string, { count, json = false, ...flags }: TailFlags): Promise<void> {
  const end = endSignal();
  try {
    await withBroker(flags, async (broker) => {
      const stats = await broker.stats();
      await retireDeadWatchers(broker, stats);
      const topics = stats.map((each) => each.topic);
      if (!topics.includes(topic))
        throw new EdgeFlowError('TOPIC_UNDECLARED', `there is no topic '${topic}' in this store; it has ${topics.join(', ') || 'none'}`);
      let printed = 0;
      for await (const message of watchTopic(broker, topic, { signal: end.signal })) {
        print(message, json);
        if (++printed >= count) break;
      }
    });
  } finally {
    end.release();
  }
}

function print(message: ReceivedMessage, json: boolean): void {
  const { seq, id } = message;
  const time = new Date(message.time).toISOString();
  const value = valueOf(message);
  console.log(json ? JSON.stringify({ seq, id, time, ...value }) : `${time} ${seq} ${inspect(value, shown)}`);
}

/** Adds `edgeflow tail`. */
export function addTailCommand(program: Command): void {
  addStoreOptions(
    program
      .command('tail')
      .description('print the newest values of a topic as they come; what comes faster is skipped')
      .argument('<topic>')
      .option('--count <number>', 'end after so many', parseCount, Infinity),
  ).action(tail);
}
