import { fromBroker, mapAsync, QoS, subscriptionsClosed, toBroker, topic } from 'edgeflow';
import type { Broker, DeliveredMessage, GroupConsumer, LatestMessage, ReceivedMessage } from 'edgeflow';
import { numbered, numberOf, until } from 'edgeflow/testing';
import { rejects } from 'node:assert/strict';
import { lastValueFrom, of, Subject, takeUntil } from 'rxjs';

/** Looks at what a broker on an empty store does with the memory of payloads that are read in place. @throws Error where that is wrong */
type Check = (broker: Broker) => Promise<void>;

const me: GroupConsumer = { group: 'g', consumer: 'a' };
/** So many are read into memory of their own. */
const frameBytes = 200_000;

/** Bytes that all tell a number. */
function frame(value: number): Buffer {
  return Buffer.alloc(frameBytes, value);
}

async function publish(broker: Broker, ...values: readonly number[]): Promise<void> {
  for (const value of values) await broker.push('t', { ...numbered(value), payload: frame(value) });
}

async function take(broker: Broker, inPlace = true): Promise<DeliveredMessage> {
  const [message] = await broker.pop('t', { ...me, count: 1, waitMs: 10_000, inPlace });
  if (!message) throw new Error('no message came');
  return message;
}

async function takeLatest(broker: Broker): Promise<LatestMessage> {
  const message = await broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 10_000, inPlace: true });
  if (!message) throw new Error('no message came');
  return message;
}

function expectWhole(value: number, payload: Uint8Array): void {
  if (!frame(value).equals(payload)) throw new Error(`message ${value} was written over`);
}

/** Bytes alone do not tell: a message that comes again may be written over itself. */
function expectApart(...messages: readonly ReceivedMessage[]): void {
  for (const message of messages) expectWhole(numberOf(message), message.payload);
  if (new Set(messages.map(({ payload }) => payload.buffer)).size < messages.length) throw new Error('two messages have the same memory');
}

function expectSameMemory({ payload }: ReceivedMessage, before: ReceivedMessage): void {
  if (payload.buffer !== before.payload.buffer) throw new Error('the memory was not used again');
}

/** The next message has the memory of one that was settled, and not that of one that is open. */
function usedAgainAfter(settle: (broker: Broker, message: DeliveredMessage) => Promise<unknown>): Check {
  return async (broker) => {
    await broker.declare({ topic: 't', groups: ['g'] });
    await publish(broker, 1, 2, 3);
    const open = await take(broker);
    const settled = await take(broker);
    await settle(broker, settled);
    const next = await take(broker);
    expectApart(open, next);
    expectSameMemory(next, settled);
  };
}

/**
 * No later message has the memory of one that somebody may look at still.
 *
 * @param leave - returns further messages that are looked at.
 */
function leftAloneWhere(leave: (broker: Broker, message: DeliveredMessage) => Promise<readonly DeliveredMessage[]>): Check {
  return async (broker) => {
    await broker.declare({ topic: 't', groups: ['g'] });
    await publish(broker, 1, 2, 3, 4);
    const open = await take(broker);
    const left = await take(broker);
    const others = await leave(broker, left);
    await publish(broker, 5, 6);
    const later = [await take(broker), await take(broker)];
    expectApart(open, left, ...others, ...later);
  };
}

const letGo: Check = async (broker) => {
  await broker.declare({ topic: 't', readers: ['r'] });
  await publish(broker, 1);
  const open = await takeLatest(broker);
  await publish(broker, 2);
  const settled = await takeLatest(broker);
  broker.letGo?.('t', 'r', [settled.seq]);
  await publish(broker, 3);
  const next = await takeLatest(broker);
  expectApart(open, next);
  expectSameMemory(next, settled);
};

const unsubscribed: Check = async (broker) => {
  const frames = topic<Uint8Array>('t');
  const publishFrame = (value: number): Promise<unknown> => lastValueFrom(of(frame(value)).pipe(toBroker(frames, { broker })));
  await broker.declare({ topic: 't', readers: ['r'] });
  const seen: Uint8Array[] = [];
  const ended = new Subject<void>();
  fromBroker(frames, QoS.REALTIME, { broker, group: 'r', payload: 'view' })
    .pipe(
      mapAsync((taken) => {
        seen.push(taken);
        return new Promise(() => undefined);
      }),
      takeUntil(ended),
    )
    .subscribe();
  await publishFrame(1);
  await until('work has begun', () => seen.length === 1);
  ended.next();
  await subscriptionsClosed(broker);
  await publishFrame(2);
  expectWhole(2, (await takeLatest(broker)).payload);
  for (const taken of seen) expectWhole(1, taken);
};

/** That memory is used again, and when it is not. */
export const lendingChecks: Readonly<Record<string, Check>> = {
  'used again after an ack': usedAgainAfter((broker, message) => broker.ack('t', me, [message])),
  'used again after a nack': usedAgainAfter((broker, message) => broker.nack('t', me, message, { error: 'once more', retryAfterMs: 0 })),
  'used again after the last nack': usedAgainAfter((broker, message) => broker.nack('t', me, message, { error: 'no use' })),
  'used again after a commit': usedAgainAfter((broker, message) =>
    broker.commit({ acks: [{ topic: 't', ...me, tickets: [message] }], messages: [] }),
  ),
  'used again when a REALTIME message is let go, and no earlier': letGo,

  'left alone where its message is handed back': leftAloneWhere(async (broker, { seq }) => {
    await broker.release('t', me, [seq]);
    return [];
  }),
  'left alone where all messages are handed back': leftAloneWhere(async (broker) => {
    await broker.release('t', me);
    return [];
  }),
  'left alone where its message has come again, and its first delivery is acked': leftAloneWhere(async (broker, first) => {
    await broker.release('t', me, [first.seq]);
    const again = await take(broker);
    await broker.ack('t', me, [first]);
    return [again];
  }),
  'left alone where the group is dropped': leftAloneWhere(async (broker) => {
    await broker.dropGroup('t', 'g');
    await rejects(take(broker), { code: 'TOPIC_UNDECLARED' });
    await broker.declare({ topic: 't', groups: ['g'] });
    return [];
  }),
  // The rest of it may be committed anew, with bytes of any of them among the outputs.
  'left alone where a commit is refused': leftAloneWhere(async (broker, message) => {
    const other = await take(broker);
    await broker.commit({ acks: [{ topic: 't', ...me, tickets: [message, { ...other, token: 99 }] }], messages: [] });
    return [other];
  }),
  'left alone where it was not lent': leftAloneWhere(async (broker) => {
    const own = await take(broker, false);
    await broker.ack('t', me, [own]);
    return [own];
  }),
  'left alone where a REALTIME pipeline is unsubscribed in the midst of its work': unsubscribed,
};
