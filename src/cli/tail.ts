import { inspect } from 'node:util';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Broker } from '../brokers/broker.js';
import { decodeValue } from '../codec.js';
import { describeError, EdgeFlowError } from '../errors.js';
import type { ReceivedMessage } from '../message.js';
import { addStoreOptions, withBroker } from './storeOption.js';
import type { StoreFlags } from './storeOption.js';

const waitMs = 500;
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
function valueOf({ meta, payload }: ReceivedMessage): unknown {
  try {
    const value = decodeValue({ meta, payload: new Uint8Array(0) });
    return payload.length > 0 ? { value, payloadBytes: payload.length } : { value };
  } catch (error) {
    return { error: describeError(error) };
  }
}

async function tail(topic: string, { count, ...flags }: TailFlags): Promise<void> {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  await withBroker(flags, async (broker) => {
    const topics = (await broker.stats()).map((stats) => stats.topic);
    if (!topics.includes(topic))
      throw new EdgeFlowError('TOPIC_UNDECLARED', `there is no topic '${topic}' in this store; it has ${topics.join(', ') || 'none'}`);
    await follow(broker, topic, count, flags.json ?? false, ended.signal);
  });
}

/** Reads as a REALTIME consumer of its own, which slows nobody, and leaves nothing behind. */
async function follow(broker: Broker, topic: string, count: number, json: boolean, signal: AbortSignal): Promise<void> {
  const reader = `tail-${process.pid}`;
  await broker.declare({ topic, readers: [reader] });
  try {
    for (let printed = 0; printed < count && !signal.aborted;) {
      const message = await broker.popLatest(topic, { reader, consumer: reader, waitMs, signal });
      if (!message) continue;
      printed++;
      const { seq, id, time } = message;
      const told = { seq, id, time: new Date(time).toISOString(), ...(valueOf(message) as object) };
      console.log(json ? JSON.stringify(told) : `${told.time} ${seq} ${inspect(valueOf(message), shown)}`);
    }
  } finally {
    await broker.dropReader(topic, reader);
  }
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
