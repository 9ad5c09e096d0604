import { expect, test } from 'vitest';
import { codeOf } from '../../errors.js';
import { numbered, numberOf, until } from '../harness.js';
import type { BrokerHarness } from '../harness.js';
import { withStore } from './withStore.js';

const consumer = { group: 'g', consumer: 'a' };

/** Reset, close, undeclared names, bad input, and a server that dies. */
export function lifecycleConformance(harness: BrokerHarness, restarts: boolean): void {
  test('reset deletes topics, groups, messages and dead letters', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
      await broker.push('t', numbered(1, 5_000));
      await broker.reset();
      expect(await broker.stats()).toEqual([]);
      await broker.declare({ topic: 't', groups: ['g'] });
      expect(await broker.push('t', numbered(2))).toEqual({ seq: 1, duplicate: false });
      expect((await broker.pop('t', { ...consumer, count: 10, waitMs: 0 })).map(numberOf)).toEqual([2]);
      expect(await broker.sweep({ graceMs: 0 })).toEqual({ orphans: 0 });
    }));

  test('connecting deletes nothing', () =>
    withStore(harness, async ({ broker, store }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(1));
      const other = await store.connect();
      expect((await other.pop('t', { ...consumer, count: 10, waitMs: 0 })).map(numberOf)).toEqual([1]);
    }));

  test.runIf(harness.independentClients)('one main process at a time', () =>
    withStore(harness, async ({ broker, store }) => {
      await broker.claim();
      await broker.claim();
      const next = await store.connect();
      await expect(next.claim()).rejects.toMatchObject({ code: 'BROKER_IN_USE' });
      await broker.close();
      await until('the claim is free', () =>
        next.claim().then(
          () => true,
          () => false,
        ),
      );
    }),
  );

  test('a closed broker says so, and closing again does nothing', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      const waiting = broker.pop('t', { ...consumer, count: 1, waitMs: 60_000 });
      const ended = waiting.catch((error: unknown) => error);
      await broker.close();
      await broker.close();
      expect(await ended).toSatisfy((result) => Array.isArray(result) || (result as { code?: string }).code === 'BROKER_CLOSED');
      await expect(broker.push('t', numbered(1))).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    }));

  test('every method of a closed broker rejects', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
      await broker.push('t', numbered(1));
      const tickets = await broker.pop('t', { ...consumer, count: 1, waitMs: 0 });
      const [ticket] = tickets;
      if (!ticket) throw new Error('a message expected');
      await broker.close();
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        open: () => broker.open(),
        claim: () => broker.claim(),
        declare: () => broker.declare({ topic: 't' }),
        push: () => broker.push('t', numbered(2)),
        pop: () => broker.pop('t', { ...consumer, count: 1, waitMs: 0 }),
        popLatest: () => broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 }),
        range: () => broker.range('t'),
        ack: () => broker.ack('t', consumer, tickets),
        commit: () => broker.commit({ acks: [{ topic: 't', ...consumer, tickets }], messages: [{ topic: 't', message: numbered(2) }] }),
        nack: () => broker.nack('t', consumer, ticket, { error: 'late' }),
        release: () => broker.release('t', consumer),
        deadLetters: () => broker.deadLetters('t'),
        redrive: () => broker.redrive('t', [1]),
        dropDeadLetters: () => broker.dropDeadLetters('t', [1]),
        dropGroup: () => broker.dropGroup('t', 'g'),
        dropReader: () => broker.dropReader('t', 'r'),
        reset: () => broker.reset(),
        stats: () => broker.stats(),
        sweep: () => broker.sweep(),
      };
      const found: Record<string, unknown> = {};
      for (const [name, call] of Object.entries(calls)) {
        try {
          found[name] = await call().then(() => 'resolves', codeOf);
        } catch {
          found[name] = 'throws';
        }
      }
      expect(found).toEqual(Object.fromEntries(Object.keys(calls).map((name) => [name, 'BROKER_CLOSED'])));
    }));

  test('undeclared topics and groups, and unusable names, are clear errors', () =>
    withStore(harness, async ({ broker }) => {
      await expect(broker.pop('nowhere', { ...consumer, count: 1, waitMs: 0 })).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
      await broker.declare({ topic: 't' });
      await expect(broker.pop('t', { ...consumer, count: 1, waitMs: 0 })).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
      await expect(broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 })).rejects.toMatchObject({ code: 'TOPIC_UNDECLARED' });
      await expect(broker.declare({ topic: 'no/slash' })).rejects.toMatchObject({ code: 'TOPIC_INVALID' });
      await expect(broker.push('t', numbered(1, 0, 'x'.repeat(600)))).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    }));

  test.each([Number.NaN, Infinity, -Infinity, -1, '5', null])('a message cannot wait for its retry for %s', (retryAfterMs) =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(1));
      const [popped] = await broker.pop('t', { ...consumer, count: 1, waitMs: 0 });
      if (!popped) throw new Error('a message expected');
      const failure = { error: 'again', retryAfterMs: retryAfterMs as number };
      expect(codeOf(await broker.nack('t', consumer, popped, failure).catch((error: unknown) => error))).toBe('BROKER_CONFIG');
      // Nothing was changed, and the topic can be used.
      expect((await broker.stats())[0]?.groups.g).toMatchObject({ open: 1, dead: 0 });
      await broker.push('t', numbered(2));
      expect(await broker.ack('t', consumer, [popped])).toEqual({ fenced: [] });
      expect((await broker.pop('t', { ...consumer, count: 9, waitMs: 0 })).map(numberOf)).toEqual([2]);
    }),
  );

  test('a failure without a text is refused', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(1));
      const [popped] = await broker.pop('t', { ...consumer, count: 1, waitMs: 0 });
      if (!popped) throw new Error('a message expected');
      for (const failure of [{}, { error: 5 }, { error: 'no', stack: 5 }])
        await expect(broker.nack('t', consumer, popped, failure as { error: string })).rejects.toMatchObject({ code: 'BROKER_CONFIG' });
      expect(await broker.deadLetters('t')).toEqual([]);
    }));

  test('nothing is asked for with a count or a time that is no number', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
      const config = { code: 'BROKER_CONFIG' };
      for (const value of [Number.NaN, '1', null] as unknown as number[]) {
        await expect(broker.pop('t', { ...consumer, count: 1, waitMs: value })).rejects.toMatchObject(config);
        await expect(broker.pop('t', { ...consumer, count: value, waitMs: 0 })).rejects.toMatchObject(config);
        await expect(broker.popLatest('t', { reader: 'r', consumer: 'a', waitMs: value })).rejects.toMatchObject(config);
      }
    }));

  test('pages begin at a number, and have one of messages', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(1));
      for (const value of [Number.NaN, '1' as unknown as number]) {
        const code = { code: 'BROKER_CONFIG' };
        for (const name of ['after', 'from', 'to', 'limit', 'maxBytes'])
          await expect(broker.range('t', { [name]: value })).rejects.toMatchObject(code);
        await expect(broker.deadLetters('t', { after: value })).rejects.toMatchObject(code);
        await expect(broker.deadLetters('t', { limit: value })).rejects.toMatchObject(code);
      }
      for (const after of [Infinity, 1e300]) {
        expect((await broker.range('t', { after })).messages).toEqual([]);
        expect(await broker.deadLetters('t', { after, limit: after })).toEqual([]);
      }
      expect((await broker.range('t', { after: -Infinity, limit: Infinity })).messages.map(numberOf)).toEqual([1]);
    }));

  test.each([
    ['empty', ''],
    ['the parent folder', '..'],
    ['a path out of the folder', '../../escaped'],
    ['an absolute path', '/tmp/escaped'],
    ['a path', 'a/b'],
    ['a path of Windows', 'a\\b'],
    ['cut by a NUL', 'a\0b'],
    ['two words', 'a b'],
    ['two lines', 'a\n'],
    ['a part of a key', 'a:b'],
    ['a pattern', '*'],
    ['not ASCII', '\u00e9\u{1f600}'],
    ['too long', 'x'.repeat(5_000)],
  ])('a name that is %s gets nowhere', (_, name) =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
      await broker.push('t', numbered(1));
      const pop = { ...consumer, count: 1, waitMs: 0 };
      const ticket = { seq: 1, token: 1 };
      const calls: (() => Promise<unknown>)[] = [
        () => broker.declare({ topic: name }),
        () => broker.declare({ topic: 't', groups: [name] }),
        () => broker.declare({ topic: 't', readers: [name] }),
        () => broker.push(name, numbered(1)),
        () => broker.pop(name, pop),
        () => broker.pop('t', { ...pop, group: name }),
        () => broker.pop('t', { ...pop, consumer: name }),
        () => broker.popLatest(name, { reader: 'r', consumer: 'a', waitMs: 0 }),
        () => broker.popLatest('t', { reader: name, consumer: 'a', waitMs: 0 }),
        () => broker.ack(name, consumer, [ticket]),
        () => broker.ack('t', { ...consumer, group: name }, [ticket]),
        () => broker.nack(name, consumer, ticket, { error: '' }),
        () => broker.release(name, consumer),
        () => broker.deadLetters(name),
        () => broker.redrive(name, [1]),
        () => broker.dropDeadLetters(name, [1]),
        () => broker.dropGroup(name, 'g'),
        () => broker.dropGroup('t', name),
        () => broker.commit({ acks: [{ topic: name, ...consumer, tickets: [ticket] }], messages: [] }),
        () => broker.commit({ acks: [{ topic: 't', ...consumer, group: name, tickets: [ticket] }], messages: [] }),
        () => broker.commit({ acks: [], messages: [{ topic: name, message: numbered(1) }] }),
      ];
      for (const call of calls) {
        const error: unknown = await Promise.resolve()
          .then(call)
          .catch((reason: unknown) => reason);
        expect(['TOPIC_INVALID', 'TOPIC_UNDECLARED']).toContain(codeOf(error));
      }
      expect((await broker.stats()).map(({ topic }) => topic)).toEqual(['t']);
      expect((await broker.pop('t', pop)).map(numberOf)).toEqual([1]);
    }),
  );

  test('nobody settles a message that waits for redelivery, by a name that is empty', () =>
    withStore(harness, async ({ broker }) => {
      await broker.declare({ topic: 't', groups: ['g'] });
      await broker.push('t', numbered(1));
      const [popped] = await broker.pop('t', { ...consumer, count: 1, waitMs: 0 });
      if (!popped) throw new Error('a message expected');
      await broker.nack('t', consumer, popped, { error: 'again', retryAfterMs: 3_600_000 });
      await Promise.resolve()
        .then(() => broker.ack('t', { group: 'g', consumer: '' }, [popped]))
        .catch((error: unknown) => expect(codeOf(error)).toBe('TOPIC_INVALID'));
      expect((await broker.stats())[0]?.groups.g).toMatchObject({ open: 1, acked: 0 });
    }));

  test('many topics', () =>
    withStore(harness, async ({ broker }) => {
      const topics = Array.from({ length: 60 }, (_, index) => `topic-${index}`);
      await Promise.all(topics.map((topic) => broker.declare({ topic, groups: ['g'] })));
      await Promise.all(topics.map((topic, index) => broker.push(topic, numbered(index))));
      const received = await Promise.all(topics.map((topic) => broker.pop(topic, { ...consumer, count: 5, waitMs: 0 })));
      expect(received.map((messages) => messages.map(numberOf))).toEqual(topics.map((_, index) => [index]));
      expect(await broker.stats()).toHaveLength(60);
    }));

  for (const [part, share] of [
    ['a third', 1 / 3],
    ['half', 1 / 2],
  ] as const) {
    test.runIf(restarts)(
      `the servers are killed and restarted after ${part} of 10,000 messages: none is lost, none comes twice to be acked`,
      () =>
        withStore(harness, async ({ broker, store }) => {
          const total = 10_000;
          await broker.declare({ topic: 't', groups: ['g'], readers: ['r'] });
          const reader = await store.connect();
          const acked: number[] = [];
          const latest: number[] = [];
          const consuming = (async () => {
            while (acked.length < total) {
              const popped = await reader.pop('t', { ...consumer, count: 64, waitMs: 500 });
              const { fenced } = await reader.ack('t', consumer, popped);
              const lost = new Set(fenced.map(({ seq }) => seq));
              acked.push(...popped.filter(({ seq }) => !lost.has(seq)).map(numberOf));
              const newest = await reader.popLatest('t', { reader: 'r', consumer: 'a', waitMs: 0 });
              if (newest) latest.push(newest.seq);
            }
          })();
          for (let value = 0; value < total; value += 100) {
            if (value === Math.floor((total * share) / 100) * 100) await store.restart?.();
            await Promise.all(Array.from({ length: 100 }, (_, index) => broker.push('t', numbered(value + index))));
          }
          await consuming;
          // A kill may undo acks that were answered but not yet on disk: such a message comes again.
          expect(new Set(acked).size).toBe(total);
          expect(latest).toEqual([...new Set(latest)].sort((one, two) => one - two));
          await until('nothing is left', async () => ((await broker.stats())[0]?.groups.g?.open ?? 1) === 0);
        }),
      120_000,
    );
  }
}
