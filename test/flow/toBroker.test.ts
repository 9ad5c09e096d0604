import { MemoryBroker, toBroker, topic } from 'edgeflow';
import { from, lastValueFrom, of, Subject, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { decodeValue } from '#src/codec.js';
import { Deliveries, turn } from './support.js';

class RecordingBroker extends MemoryBroker {
  readonly pushed: { readonly id: string; readonly value: unknown }[] = [];
  gate: Promise<void> = Promise.resolve();

  override async push(...args: Parameters<MemoryBroker['push']>): ReturnType<MemoryBroker['push']> {
    this.pushed.push({ id: args[1].id, value: decodeValue(args[1]) });
    await this.gate;
    return super.push(...args);
  }
}

test('publishes nothing before subscribe, then passes each value on, in order', async () => {
  const broker = new RecordingBroker();
  const stream = from([1, 2, 3]).pipe(toBroker('out', { broker }), toArray());
  expect(broker.pushed).toEqual([]);
  expect(await lastValueFrom(stream)).toEqual([1, 2, 3]);
  expect(broker.pushed.map(({ value }) => value)).toEqual([1, 2, 3]);
});

test('a delivery settles when the broker has confirmed; its outputs have ids derived from it', async () => {
  const broker = new RecordingBroker();
  let confirm: () => void = () => undefined;
  broker.gate = new Promise((resolve) => (confirm = resolve));
  const deliveries = new Deliveries<string>();
  deliveries.stream.pipe(toBroker('out', { broker })).subscribe();
  deliveries.next('a');
  await turn();
  expect([broker.pushed, deliveries.settled]).toEqual([[{ id: 'a>out.0', value: 'a' }], []]);
  confirm();
  await turn();
  expect(deliveries.settled).toEqual(['a ok']);
});

test('a value that does not fit, and a refused message, fail the delivery', async () => {
  const broker = new RecordingBroker();
  const deliveries = new Deliveries<number>();
  const positive = topic<number>('out', { schema: z.number().positive() });
  deliveries.stream.pipe(toBroker(positive, { broker })).subscribe();
  deliveries.next(-1);
  await turn();
  await broker.close();
  deliveries.next(1);
  await turn();
  expect(deliveries.settled).toEqual(['-1 failed', '1 failed']);
});

test('a schema that takes its time does not change the order', async () => {
  const broker = new RecordingBroker();
  const slowAtFirst = z.number().refine(async (value) => {
    for (let turns = value; turns > 0; turns--) await turn();
    return true;
  });
  await lastValueFrom(from([5, 1, 0]).pipe(toBroker(topic<number>('out', { schema: slowAtFirst }), { broker })));
  expect(broker.pushed.map(({ value }) => value)).toEqual([5, 1, 0]);
});

test('unsubscribing lets go of the source', () => {
  const source = new Subject<number>();
  const subscription = source.pipe(toBroker('out', { broker: new MemoryBroker() })).subscribe();
  expect(source.observed).toBe(true);
  subscription.unsubscribe();
  expect(source.observed).toBe(false);
});

test('a name that brokers cannot store is refused', () => {
  expect(() => of(1).pipe(toBroker('no spaces'))).toThrow(expect.objectContaining({ code: 'TOPIC_INVALID' }));
});
