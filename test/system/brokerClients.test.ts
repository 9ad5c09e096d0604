import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { MemoryBroker } from 'edgeflow';
import type { Broker } from 'edgeflow';
import { brokerConformance, numbered, numberOf } from 'edgeflow/testing';
import type { BrokerHarness, BrokerStore } from 'edgeflow/testing';
import { describe, expect, test } from 'vitest';
import { BorrowedBroker } from '#src/system/borrowedBroker.js';
import { PortBroker } from '#src/system/portBroker/portBroker.js';
import { serveBroker } from '#src/system/portBroker/serveBroker.js';
import { embeddedStore } from '../brokers/embedded/harness.js';

/** Stores whose clients are reached through a port, as those of threads are. */
function throughPorts(createStore: BrokerHarness['createStore'], exclusive: boolean): BrokerHarness['createStore'] {
  return async (options) => {
    const store = await createStore(options);
    const ports: MessagePort[] = [];
    return {
      connect: async () => {
        const { port1, port2 } = new MessageChannel();
        const broker = await store.connect();
        ports.push(port1);
        port1.on('close', () => void broker.close());
        serveBroker(broker, port1, { exclusive });
        return new PortBroker(port2);
      },
      dispose: async () => {
        for (const port of ports) port.close();
        await store.dispose();
      },
    };
  };
}

/** Stores with one client, of a memory broker. */
function borrowed(options: ConstructorParameters<typeof MemoryBroker>[0] = {}): Promise<BrokerStore> {
  const broker = new MemoryBroker(options);
  const client = new BorrowedBroker(broker);
  return Promise.resolve({ connect: () => Promise.resolve(client), dispose: () => broker.close() });
}

brokerConformance('a memory broker, borrowed', { independentClients: false, createStore: borrowed });
brokerConformance('an embedded broker, through a port', {
  independentClients: true,
  createStore: throughPorts(embeddedStore, true),
  runs: 10,
});

describe('a borrowed broker', () => {
  const consumer = { group: 'g', consumer: 'a' };
  const pop = { ...consumer, count: 10, waitMs: 0 };

  test('gives back what it has open when it is closed, each delivery counted, and what it has settled not', async () => {
    const broker = new MemoryBroker();
    await broker.declare({ topic: 't', groups: ['g'] });
    for (const value of [1, 2, 3]) await broker.push('t', numbered(value));
    const client = new BorrowedBroker(broker);
    const [first, second] = await client.pop('t', pop);
    if (!first || !second) throw new Error('messages expected');
    await client.ack('t', consumer, [first]);
    await client.release('t', consumer, [second.seq]);
    const waiting = client.pop('t', { ...pop, group: 'g', count: 0, waitMs: 60_000 });
    await client.close();
    await client.close();
    await expect(waiting).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    const again = await broker.pop('t', pop);
    // What was released does not count.
    expect(again.map((message) => [numberOf(message), message.attempt])).toEqual([
      [2, 1],
      [3, 2],
    ]);
  });

  test('leaves the broker open, and ends a push that waits for room', async () => {
    const broker = new MemoryBroker();
    await broker.declare({ topic: 't', groups: ['g'], maxBytes: 10 });
    const client = new BorrowedBroker(broker);
    await client.push('t', numbered(1, 100));
    const ended = client.push('t', numbered(2, 100)).catch((error: unknown) => error);
    await client.close();
    expect(await ended).toMatchObject({ code: 'BROKER_CLOSED' });
    expect((await broker.stats())[0]).toMatchObject({ published: 1 });
  });
});

describe('through a port', () => {
  const connect = (broker: Broker, exclusive: boolean): PortBroker => {
    const { port1, port2 } = new MessageChannel();
    serveBroker(broker, port1, { exclusive });
    return new PortBroker(port2);
  };

  test.each([0, 5, 20_000])('a payload of %i bytes stays the caller’s, and only its own bytes travel', async (length) => {
    const broker = new MemoryBroker();
    await broker.declare({ topic: 't', groups: ['g', 'h'] });
    const client = connect(broker, false);
    const whole = new Uint8Array(1_000_000).fill(7);
    const payload = whole.subarray(1_000, 1_000 + length);
    await client.push('t', { ...numbered(1), payload });
    expect(whole.byteLength).toBe(1_000_000);
    // The broker keeps its own: each group gets it.
    for (const group of ['g', 'h']) {
      const [message] = await client.pop('t', { group, consumer: 'a', count: 1, waitMs: 0 });
      expect(message?.payload).toEqual(payload);
      expect(message?.payload.buffer.byteLength).toBe(length);
    }
    await client.close();
  });

  test('an aborted push rejects with the reason of its signal', async () => {
    const broker = new MemoryBroker();
    await broker.declare({ topic: 't', groups: ['g'], maxBytes: 10 });
    const client = connect(broker, false);
    await client.push('t', numbered(1, 100));
    const abort = new AbortController();
    const ended = client.push('t', numbered(2, 100), { signal: abort.signal }).catch((error: unknown) => error);
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await ended).toBe(reason);
    await client.close();
  });
});
