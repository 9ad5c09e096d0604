import { expect, test } from 'vitest';
import type { Broker, Commit, DeliveredMessage, GroupConsumer } from '../../brokers/broker.js';
import { numbered, numberOf, until } from '../harness.js';
import type { BrokerHarness } from '../harness.js';
import { withStore } from './withStore.js';

const a: GroupConsumer = { group: 'g', consumer: 'a' };
const sink: GroupConsumer = { group: 's', consumer: 'a' };

async function declareChain(broker: Broker): Promise<void> {
  await broker.declare({ topic: 'in', groups: ['g'] });
  await broker.declare({ topic: 'out', groups: ['s'] });
}

function popAll(broker: Broker, topic: string, consumer: GroupConsumer, waitMs = 0): Promise<DeliveredMessage[]> {
  return broker.pop(topic, { ...consumer, count: 100, waitMs });
}

function answer(tickets: readonly DeliveredMessage[], outputs: readonly ReturnType<typeof numbered>[]): Commit {
  return { acks: [{ topic: 'in', ...a, tickets }], messages: outputs.map((message) => ({ topic: 'out', message })) };
}

/** Acks and publishes in one step: the outbox. */
export function commitConformance(harness: BrokerHarness): void {
  test('a commit acks and publishes', () =>
    withStore(harness, async ({ broker }) => {
      await declareChain(broker);
      await broker.push('in', numbered(1, 6_000));
      const popped = await popAll(broker, 'in', a);
      const outputs = [numbered(10, 7_000), numbered(11)];
      expect(await broker.commit(answer(popped, outputs))).toEqual({ committed: true, fenced: [] });
      const received = await popAll(broker, 'out', sink);
      expect(received.map(numberOf)).toEqual([10, 11]);
      expect(Buffer.compare(received[0]?.payload ?? Buffer.of(1), outputs[0]?.payload ?? Buffer.of(2))).toBe(0);
      const topics = await broker.stats();
      expect(topics.find(({ topic }) => topic === 'in')).toMatchObject({ entries: 0, groups: { g: { acked: 1, open: 0 } } });
    }));

  test('a fenced ticket keeps the whole commit from happening', () =>
    withStore(harness, async ({ broker }) => {
      await declareChain(broker);
      await Promise.all([broker.push('in', numbered(1)), broker.push('in', numbered(2))]);
      const early = await popAll(broker, 'in', a);
      await broker.release('in', a, [1]);
      const [late] = await popAll(broker, 'in', { group: 'g', consumer: 'b' });
      const [first] = early;
      if (!first || !late) throw new Error('two deliveries expected');
      const refused = await broker.commit(answer(early, [numbered(10, 9_000)]));
      expect(refused).toEqual({ committed: false, fenced: [{ topic: 'in', seq: 1, token: first.token }] });
      expect(await popAll(broker, 'out', sink)).toEqual([]);
      const input = (await broker.stats()).find(({ topic }) => topic === 'in');
      expect(input?.groups.g).toMatchObject({ acked: 0, open: 2 });
      const { committed } = await broker.commit({
        acks: [{ topic: 'in', group: 'g', consumer: 'b', tickets: [late] }],
        messages: [{ topic: 'out', message: numbered(11) }],
      });
      expect(committed).toBe(true);
      expect((await popAll(broker, 'out', sink)).map(numberOf)).toEqual([11]);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('an output that was published before is not published again, and its input is acked', () =>
    withStore(harness, async ({ broker }) => {
      await declareChain(broker);
      await broker.push('in', numbered(1));
      const popped = await popAll(broker, 'in', a);
      const output = numbered(10, 8_000);
      await broker.push('out', output);
      expect(await broker.commit(answer(popped, [output]))).toMatchObject({ committed: true });
      expect((await popAll(broker, 'out', sink)).map(numberOf)).toEqual([10]);
      expect((await broker.stats()).find(({ topic }) => topic === 'in')?.groups.g).toMatchObject({ acked: 1 });
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('nor does it wait for room in a full topic', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 'in', groups: ['g'] });
      await broker.declare({ topic: 'out', groups: ['s'], maxBytes: 5_000 });
      await broker.push('in', numbered(1));
      const popped = await popAll(broker, 'in', a);
      const output = numbered(10, 8_000);
      await broker.push('out', output);
      expect(await broker.commit(answer(popped, [output]))).toEqual({ committed: true, fenced: [] });
    }));

  test('one commit may settle messages of several topics, and publish to several', () =>
    withStore(harness, async ({ broker }) => {
      for (const topic of ['in', 'in2']) await broker.declare({ topic, groups: ['g'] });
      for (const topic of ['out', 'out2']) await broker.declare({ topic, groups: ['s'] });
      await broker.push('in', numbered(1));
      await broker.push('in2', numbered(2, 5_000));
      const acks = await Promise.all(['in', 'in2'].map(async (topic) => ({ topic, ...a, tickets: await popAll(broker, topic, a) })));
      const messages = ['out', 'out2'].map((topic, index) => ({ topic, message: numbered(10 + index, 5_000) }));
      expect(await broker.commit({ acks, messages })).toEqual({ committed: true, fenced: [] });
      for (const [index, topic] of ['out', 'out2'].entries())
        expect((await popAll(broker, topic, sink)).map(numberOf)).toEqual([10 + index]);
      const again = await broker.commit({ acks, messages: [{ topic: 'out', message: numbered(20) }] });
      expect([again.committed, again.fenced.map(({ topic }) => topic).sort()]).toEqual([false, ['in', 'in2']]);
    }));

  test('commits that were issued together keep their order', () =>
    withStore(harness, async ({ broker }) => {
      await declareChain(broker);
      await Promise.all(Array.from({ length: 60 }, (_, value) => broker.push('in', numbered(value))));
      const popped = await popAll(broker, 'in', a);
      const results = await Promise.all(
        popped.map((message) => broker.commit(answer([message], [numbered(numberOf(message), numberOf(message) % 3 === 0 ? 9_000 : 0)]))),
      );
      expect(results.every(({ committed }) => committed)).toBe(true);
      expect((await popAll(broker, 'out', sink)).map(numberOf)).toEqual(popped.map(numberOf));
    }));

  test('a commit to a full topic waits, settles nothing meanwhile, and loses nothing', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 'in', groups: ['g'] });
      await broker.declare({ topic: 'out', groups: ['s'], maxBytes: 10_000 });
      await broker.push('in', numbered(1));
      const popped = await popAll(broker, 'in', a);
      await broker.push('out', numbered(0, 12_000));
      let committed = false;
      const commit = broker.commit(answer(popped, [numbered(10, 6_000)])).then((result) => (committed = result.committed));
      expect((await broker.stats()).find(({ topic }) => topic === 'in')?.groups.g).toMatchObject({ acked: 0, open: 1 });
      expect(committed).toBe(false);
      await broker.ack('out', sink, await popAll(broker, 'out', sink));
      await commit;
      expect(committed).toBe(true);
      expect((await popAll(broker, 'out', sink, 5_000)).map(numberOf)).toEqual([10]);
    }));

  test('a commit that waits for room holds up none to other topics, which may make it', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 'in', groups: ['g'] });
      await broker.declare({ topic: 'middle', groups: ['g'], maxBytes: 4 });
      await broker.declare({ topic: 'out', groups: ['s'] });
      for (const value of [1, 2, 3]) await broker.push('in', numbered(value));
      const waiting = (await popAll(broker, 'in', a)).map((message) =>
        broker.commit({
          acks: [{ topic: 'in', ...a, tickets: [message] }],
          messages: [{ topic: 'middle', message: numbered(numberOf(message)) }],
        }),
      );
      const passed: number[] = [];
      while (passed.length < 3) {
        const [message] = await broker.pop('middle', { ...a, count: 1, waitMs: 5_000 });
        if (!message) throw new Error(`after ${passed.join()} nothing came`);
        const acks = [{ topic: 'middle', ...a, tickets: [message] }];
        await broker.commit({ acks, messages: [{ topic: 'out', message: numbered(numberOf(message)) }] });
        passed.push(numberOf(message));
      }
      await Promise.all(waiting);
      expect((await popAll(broker, 'out', sink)).map(numberOf)).toEqual([1, 2, 3]);
    }));

  test('a commit to a full topic that rejects is rejected, and can be made again', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 'in', groups: ['g'] });
      await broker.declare({ topic: 'out', groups: ['s'], maxBytes: 10_000, onFull: 'reject' });
      await broker.push('in', numbered(1));
      const popped = await popAll(broker, 'in', a);
      await broker.push('out', numbered(0, 12_000));
      const output = numbered(10, 6_000);
      await expect(broker.commit(answer(popped, [output]))).rejects.toMatchObject({ code: 'BROKER_FULL' });
      await broker.ack('out', sink, await popAll(broker, 'out', sink));
      await until('there is room', () =>
        broker.commit(answer(popped, [output])).then(
          ({ committed }) => committed,
          () => false,
        ),
      );
      expect((await popAll(broker, 'out', sink)).map(numberOf)).toEqual([10]);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('a commit of an undeclared group is an error, and publishes nothing', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 'out', groups: ['s'] });
      const acks = [{ topic: 'nowhere', ...a, tickets: [{ seq: 1, token: 1 }] }];
      await expect(broker.commit({ acks, messages: [{ topic: 'out', message: numbered(1) }] })).rejects.toMatchObject({
        code: 'TOPIC_UNDECLARED',
      });
      expect(await popAll(broker, 'out', sink)).toEqual([]);
    }));
}
