import { numbered, numberOf, until } from 'edgeflow/testing';
import type { BrokerStore } from 'edgeflow/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Broker, Commit, DeliveredMessage } from '#src/brokers/broker.js';
import { embeddedStore } from './harness.js';

const a = { group: 'g', consumer: 'a' };
const topics = ['in', 'mid', 'out'];
let store: BrokerStore;
let broker: Broker;

async function begin(options: Parameters<typeof embeddedStore>[0] = {}): Promise<void> {
  store = await embeddedStore(options);
  broker = await store.connect();
  for (const topic of topics) await broker.declare({ topic, groups: ['g'] });
}

beforeEach(() => begin());
afterEach(() => store.dispose());

function pop(topic: string, waitMs = 0): Promise<DeliveredMessage[]> {
  return broker.pop(topic, { ...a, count: 100, waitMs });
}

async function pushed(topic: string, values: readonly number[], bytes = 0): Promise<DeliveredMessage[]> {
  await Promise.all(values.map((value) => broker.push(topic, numbered(value, bytes))));
  return pop(topic);
}

function answer(tickets: readonly DeliveredMessage[], output: ReturnType<typeof numbered>, to = 'out', from = 'in'): Commit {
  return { acks: [{ topic: from, ...a, tickets }], messages: [{ topic: to, message: output }] };
}

describe('order', () => {
  test('commits larger than a batch keep their order', async () => {
    const inputs = await pushed('in', [0, 1, 2, 3]);
    const sizes = [5_000_000, 5_000_000, 10, 6_000];
    await Promise.all(inputs.map((input, index) => broker.commit(answer([input], numbered(index, sizes[index])))));
    expect((await pop('out')).map(numberOf)).toEqual([0, 1, 2, 3]);
  });

  test('one that fails takes no others along that share its transaction', async () => {
    const inputs = await pushed('in', [0, 1, 2, 3, 4]);
    const [first, second, third, fourth, fifth] = inputs;
    if (!first || !second || !third || !fourth || !fifth) throw new Error('five messages expected');
    const strange = { acks: [{ topic: 'in', group: 'g', consumer: 'no name', tickets: [second] }], messages: [] };
    const results = await Promise.allSettled([
      broker.commit(answer([first], numbered(0, 9_000))),
      broker.commit(strange),
      broker.commit({ acks: [{ topic: 'in', group: 'nobody', consumer: 'a', tickets: [third] }], messages: [] }),
      broker.commit(answer([{ ...fourth, token: 99 }], numbered(3, 9_000))),
      broker.commit(answer([fifth], numbered(4, 9_000))),
    ]);
    expect(results).toMatchObject([
      { value: { committed: true } },
      { reason: { code: 'TOPIC_INVALID' } },
      { reason: { code: 'TOPIC_UNDECLARED' } },
      { value: { committed: false, fenced: [{ topic: 'in', seq: 4, token: 99 }] } },
      { value: { committed: true } },
    ]);
    expect((await pop('out')).map((message) => [numberOf(message), message.payload.length])).toEqual([
      [0, 9_000],
      [4, 9_000],
    ]);
    expect((await broker.deadLetters('out')).length).toBe(0);
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
  });
});

describe('room', () => {
  test('one that waits for room does not hold up the one that makes it', async () => {
    await broker.declare({ topic: 'mid', maxBytes: 1_000 });
    const inputs = await pushed('in', [1]);
    const middle = await pushed('mid', [0], 8_000);
    const waiting = broker.commit(answer(inputs, numbered(1, 8_000), 'mid'));
    await broker.commit(answer(middle, numbered(0), 'out', 'mid'));
    expect(await waiting).toEqual({ committed: true, fenced: [] });
    expect((await pop('mid')).map(numberOf)).toEqual([1]);
  });

  test('those that wait keep their order, and those for other topics pass by', async () => {
    await broker.declare({ topic: 'mid', maxBytes: 1_000 });
    const inputs = await pushed('in', [0, 1, 2, 3]);
    const middle = await pushed('mid', [9], 8_000);
    const order: number[] = [];
    const commits = inputs.map((input, index) =>
      broker.commit(answer([input], numbered(index, index === 1 ? 0 : 7_000), index === 2 ? 'out' : 'mid')).then(() => order.push(index)),
    );
    await commits[2];
    expect(order).toEqual([2]);
    const values: number[] = [];
    await broker.ack('mid', a, middle);
    await until('all came', async () => {
      const popped = await pop('mid', 10);
      await broker.ack('mid', a, popped);
      values.push(...popped.map(numberOf));
      return values.length === 3;
    });
    await Promise.all(commits);
    expect([order, values]).toEqual([
      [2, 0, 1, 3],
      [0, 1, 3],
    ]);
  });

  test('where the store as a whole is full, it waits, and the process goes on', async () => {
    await store.dispose();
    await begin({ maxBytes: 1_000_000 });
    const inputs = await pushed('in', [1]);
    await broker.push('mid', numbered(0, 1_000_000));
    const commit = broker.commit(answer(inputs, numbered(1, 8_000)));
    // A timer fires: the wait does not spin.
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect((await broker.stats()).find(({ topic }) => topic === 'in')?.groups.g).toMatchObject({ open: 1, acked: 0 });
    await broker.ack('mid', a, await pop('mid'));
    expect(await commit).toMatchObject({ committed: true });
    expect((await pop('out')).map(numberOf)).toEqual([1]);
  });

  test('a fenced one, one that publishes nothing, and one whose output is known do not wait', async () => {
    await broker.declare({ topic: 'mid', maxBytes: 1_000 });
    const known = numbered(0, 8_000);
    await broker.push('mid', known);
    const [first, second, third, fourth] = await pushed('in', [0, 1, 2, 3]);
    if (!first || !second || !third || !fourth) throw new Error('four messages expected');
    const waiting = broker.commit(answer([first], numbered(1, 8_000), 'mid'));
    expect(await broker.commit(answer([{ ...second, token: 99 }], numbered(2, 8_000), 'mid'))).toMatchObject({ committed: false });
    expect(await broker.commit({ acks: [{ topic: 'in', ...a, tickets: [third] }], messages: [] })).toMatchObject({ committed: true });
    expect(await broker.commit(answer([fourth], known, 'mid'))).toMatchObject({ committed: true });
    expect((await broker.stats()).find(({ topic }) => topic === 'in')?.groups.g).toMatchObject({ open: 2, acked: 2 });
    await broker.ack('mid', a, await pop('mid'));
    expect(await waiting).toMatchObject({ committed: true });
  });

  test('an aborted wait ends, settles nothing, and leaves nothing behind', async () => {
    await broker.declare({ topic: 'mid', maxBytes: 1_000 });
    await broker.push('mid', numbered(0, 8_000));
    const inputs = await pushed('in', [1]);
    const abort = new AbortController();
    const waiting = expect(broker.commit(answer(inputs, numbered(1, 8_000), 'mid'), { signal: abort.signal })).rejects.toThrow('no longer');
    await broker.stats();
    abort.abort(new Error('no longer'));
    await waiting;
    expect(await broker.commit(answer(inputs, numbered(2)))).toMatchObject({ committed: true });
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
  });

  test('a wait ends when the broker is closed', async () => {
    await broker.declare({ topic: 'mid', maxBytes: 1_000 });
    await broker.push('mid', numbered(0, 8_000));
    const inputs = await pushed('in', [1]);
    const waiting = expect(broker.commit(answer(inputs, numbered(1, 8_000), 'mid'))).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    await broker.close();
    await waiting;
    broker = await store.connect();
    expect((await pop('in', 5_000)).map(numberOf)).toEqual([1]);
  });

  test('a push of a known id is answered while another one waits before it', async () => {
    await broker.declare({ topic: 'mid', maxBytes: 1_000 });
    const known = numbered(0, 8_000);
    await broker.push('mid', known);
    const waiting = broker.push('mid', numbered(1, 8_000));
    expect(await broker.push('mid', known)).toEqual({ seq: 1, duplicate: true });
    await broker.ack('mid', a, await pop('mid'));
    expect(await waiting).toEqual({ seq: 2, duplicate: false });
  });
});

describe('dead letters and groups', () => {
  test('numbers that no letter can have are passed over', async () => {
    for (const message of await pushed('in', [1])) await broker.nack('in', a, message, { error: 'no' });
    const nonsense = [0, -1, 1.5, NaN, Infinity, 2 ** 60];
    expect(await broker.redrive('in', nonsense)).toBe(0);
    expect(await broker.dropDeadLetters('in', nonsense)).toBe(0);
    expect(await broker.deadLetters('in', { after: 2 ** 60 })).toEqual([]);
    expect(await broker.deadLetters('in', { limit: 0 })).toEqual([]);
    expect(await broker.deadLetters('in', { after: -5 })).toHaveLength(1);
  });

  test('names that topics cannot have reach no file, and disturb nobody who shares the transaction', async () => {
    const [pushing, redriving, dropping] = await Promise.allSettled([
      broker.push('in', numbered(1)),
      broker.redrive('../in', [1]),
      broker.dropGroup('../in', 'g'),
    ]);
    expect(pushing).toMatchObject({ value: { duplicate: false } });
    expect([redriving, dropping]).toMatchObject([{ reason: { code: 'TOPIC_INVALID' } }, { reason: { code: 'TOPIC_INVALID' } }]);
  });

  test('a letter takes its payload over where nobody else needs it, and has a copy where another does', async () => {
    await broker.declare({ topic: 'in', groups: ['h'] });
    const [message] = await pushed('in', [1], 50_000);
    const [other] = await broker.pop('in', { group: 'h', consumer: 'a', count: 1, waitMs: 0 });
    if (!message || !other) throw new Error('two deliveries expected');
    await broker.nack('in', a, message, { error: 'no' });
    await broker.nack('in', { group: 'h', consumer: 'a' }, other, { error: 'no' });
    expect((await broker.stats()).find(({ topic }) => topic === 'in')).toMatchObject({ entries: 0, bytes: 0, deadLetters: 2 });
    const letters = await broker.deadLetters('in');
    expect(letters.map(({ payload }) => Buffer.compare(payload, message.payload))).toEqual([0, 0]);
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    expect(await broker.redrive('in', [1, 2])).toBe(2);
    expect((await pop('in')).map(({ payload }) => Buffer.compare(payload, message.payload))).toEqual([0]);
    expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
  });

  test('a letter of a group that was dropped stays, though a group of that name is declared again', async () => {
    for (const message of await pushed('in', [1], 9_000)) await broker.nack('in', a, message, { error: 'no' });
    await broker.dropGroup('in', 'g');
    expect(await broker.redrive('in', [1])).toBe(0);
    await broker.declare({ topic: 'in', groups: ['g'] });
    expect(await broker.redrive('in', [1])).toBe(0);
    expect((await broker.deadLetters('in')).map(({ payload }) => payload.length)).toEqual([9_000]);
    expect((await broker.stats()).find(({ topic }) => topic === 'in')?.groups.g).toMatchObject({ published: 0, dead: 0, open: 0 });
  });

  test('a pop that waits ends when its group is dropped', async () => {
    const waiting = expect(pop('in', 20_000)).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
    await broker.stats();
    const other = await store.connect();
    await other.dropGroup('in', 'g');
    await waiting;
  });
});

describe('damage', () => {
  test('a payload of which a bit was turned becomes a dead letter with its bytes; the next message goes on', async () => {
    const [first, second] = [numbered(1, 50_000), numbered(2, 60_000)];
    await broker.push('in', first);
    expect(await store.damage?.('in')).toBe(true);
    await broker.push('in', second);
    expect((await pop('in')).map(numberOf)).toEqual([2]);
    const [letter] = await broker.deadLetters('in');
    expect(letter).toMatchObject({ letter: 1, seq: 1, attempts: 1, id: first.id });
    expect(letter?.error).toMatch(/^MESSAGE_CORRUPT: /);
    const differing = letter?.payload.reduce((count, byte, at) => count + (byte === first.payload[at] ? 0 : 1), 0);
    expect([letter?.payload.length, differing]).toEqual([50_000, 1]);
    // Re-driven, it is found damaged again.
    await broker.redrive('in', [1]);
    expect(await pop('in')).toEqual([]);
    expect((await broker.deadLetters('in')).map(({ letter, error }) => [letter, error.split(':')[0]])).toEqual([[2, 'MESSAGE_CORRUPT']]);
  });

  test('a payload that is gone becomes a dead letter without one', async () => {
    await broker.push('in', numbered(1, 50_000));
    await store.lose?.('in');
    await broker.push('in', numbered(2, 50_000));
    expect((await pop('in')).map(numberOf)).toEqual([2]);
    expect(await broker.deadLetters('in')).toMatchObject([{ seq: 1, payload: new Uint8Array(0) }]);
  });

  test('a topic that got its group after messages of the same client is checked from then on', async () => {
    await broker.declare({ topic: 'late', readers: ['r'] });
    await broker.push('late', numbered(1, 10_000));
    await broker.popLatest('late', { reader: 'r', consumer: 'a', waitMs: 0 });
    const other = await store.connect();
    await other.declare({ topic: 'late', groups: ['g'] });
    await store.lose?.('late');
    await broker.push('late', numbered(2, 30_000));
    expect(await store.damage?.('late')).toBe(true);
    expect(await pop('late')).toEqual([]);
    expect((await broker.deadLetters('late')).map(({ error }) => error.split(':')[0])).toEqual(['MESSAGE_CORRUPT']);
  });
});
