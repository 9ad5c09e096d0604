import { rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { seqOfKey } from '#src/brokers/embedded/keys.js';
import { Store } from '#src/brokers/embedded/store.js';
import { numbered, until } from 'edgeflow/testing';
import { temporaryStore, writeAsFirstVersion } from './harness.js';

const frameBytes = 1_000_000;
const me = { group: 'g', consumer: 'a' };
const latest = { reader: 'r', consumer: 'a', waitMs: 0, inPlace: true };

let directory: string;
let broker: EmbeddedBroker;

beforeEach(() => {
  directory = temporaryStore();
  broker = new EmbeddedBroker({ directory, visibilityMs: 1_000 });
});
afterEach(async () => {
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A message whose bytes all tell its number. */
function frame(value: number) {
  return { ...numbered(value, frameBytes), payload: Buffer.alloc(frameBytes, value) };
}

function isWhole(payload: Uint8Array | undefined, value: number): boolean {
  return payload?.length === frameBytes && payload.every((byte) => byte === value);
}

/** Lies in a buffer of its own, or in the memory that all processes share. */
function isShared(payload: Uint8Array | undefined): boolean {
  return (payload?.buffer.byteLength ?? 0) > 10 * frameBytes;
}

/** How many payloads the data plane has. */
async function stored(): Promise<number> {
  const store = Store.acquire({ directory, durability: 'process', maxBytes: undefined });
  const count = store.payloads.olderThan(-1).length;
  await store.release();
  return count;
}

/** Positions of the messages that somebody holds. */
async function held(): Promise<number[]> {
  const store = Store.acquire({ directory, durability: 'process', maxBytes: undefined });
  const seqs = store.view(({ holds }) => [...holds.getKeys()].map(seqOfKey));
  await store.release();
  return seqs;
}

describe('REALTIME', () => {
  beforeEach(() => broker.declare({ topic: 't', readers: ['r', 's'] }));

  test('a frame stays as it is while newer ones come and are swept, until it is let go', async () => {
    await broker.push('t', frame(1));
    const held = await broker.popLatest('t', latest);
    expect(isShared(held?.payload)).toBe(true);
    for (let value = 2; value <= 60; value++) await broker.push('t', frame(value));
    await broker.sweep({ graceMs: 0 });
    expect(isWhole(held?.payload, 1)).toBe(true);
    const before = await stored();
    broker.letGo('t', 'r', [held?.seq ?? 0]);
    const next = await broker.popLatest('t', latest);
    expect(isWhole(next?.payload, 60)).toBe(true);
    expect(await stored()).toBe(before - 1);
  });

  test('a frame stays as it is in a topic of an earlier version, which did not count who looks', async () => {
    await broker.push('t', frame(1));
    const one = await broker.popLatest('t', latest);
    await writeAsFirstVersion(directory, 't');
    await broker.push('t', frame(2));
    const two = await broker.popLatest('t', { ...latest, reader: 's' });
    broker.letGo('t', 's', [two?.seq ?? 0]);
    for (let value = 3; value <= 10; value++) {
      await broker.push('t', frame(value));
      const next = await broker.popLatest('t', { ...latest, reader: 's' });
      broker.letGo('t', 's', [next?.seq ?? 0]);
    }
    await broker.declare({ topic: 't', readers: ['later'] });
    for (let value = 11; value <= 20; value++) await broker.push('t', frame(value));
    expect(isWhole(one?.payload, 1)).toBe(true);
    broker.letGo('t', 'r', [one?.seq ?? 0]);
    const newest = await broker.popLatest('t', latest);
    expect(isWhole(newest?.payload, 20)).toBe(true);
    // The newest, for three readers and who comes next; and what the other reader has not taken a newer one for.
    expect(await stored()).toBe(5);
  });

  test('several are held at once, and the files do not grow by those that are let go', async () => {
    const files = (): number => statSync(path.join(directory, 'data.mdb')).blocks;
    let open: { seq: number; payload: Uint8Array; value: number }[] = [];
    let size = 0;
    for (let value = 1; value <= 200; value++) {
      await broker.push('t', frame(value));
      const message = await broker.popLatest('t', latest);
      if (message) open.push({ seq: message.seq, payload: message.payload, value });
      if (open.length === 4) {
        expect(open.every((each) => isWhole(each.payload, each.value))).toBe(true);
        broker.letGo(
          't',
          'r',
          open.map(({ seq }) => seq),
        );
        open = [];
      }
      if (value === 20) size = files();
    }
    expect(files()).toBe(size);
  });

  test('what two readers hold goes with the second one', async () => {
    await broker.push('t', frame(1));
    const [one, two] = [await broker.popLatest('t', latest), await broker.popLatest('t', { ...latest, reader: 's' })];
    for (let value = 2; value <= 5; value++) await broker.push('t', frame(value));
    broker.letGo('t', 'r', [one?.seq ?? 0]);
    await broker.popLatest('t', { ...latest, inPlace: false });
    await broker.push('t', frame(6));
    expect(isWhole(two?.payload, 1)).toBe(true);
    const before = await stored();
    broker.letGo('t', 's', [two?.seq ?? 0]);
    await broker.popLatest('t', { ...latest, reader: 's', inPlace: false });
    expect(await stored()).toBe(before - 1);
  });

  test('what a dead process held goes with the next look, or with a sweep', async () => {
    for (const end of ['popLatest', 'sweep'] as const) {
      const dead = new EmbeddedBroker({ directory, visibilityMs: 1 });
      await broker.push('t', { ...frame(1), id: `${end}-1` });
      const taken = await dead.popLatest('t', latest);
      expect(await held()).toContain(taken?.seq);
      for (let value = 2; value <= 5; value++) await broker.push('t', { ...frame(value), id: `${end}-${value}` });
      // It lives, but says so more seldom than it would have to.
      await until(`what it held is gone: ${end}`, async () => {
        if (end === 'popLatest') {
          await broker.push('t', { ...numbered(0), id: `${end}-${Math.random()}` });
          await broker.popLatest('t', { ...latest, reader: 's', inPlace: false });
        } else await broker.sweep({ graceMs: 600_000 });
        return !(await held()).includes(taken?.seq ?? 0);
      });
      await dead.close();
    }
  });

  test('a view is readable after its broker was closed, and the store can be opened again', async () => {
    await broker.push('t', frame(7));
    const held = await broker.popLatest('t', latest);
    await broker.close();
    expect(isWhole(held?.payload, 7)).toBe(true);
    broker = new EmbeddedBroker({ directory });
    await broker.push('t', { ...frame(8), id: 'again' });
    const next = await broker.popLatest('t', { ...latest, reader: 's' });
    expect(isWhole(next?.payload, 8)).toBe(true);
  });
});

test('DURABLE: bytes stay until their message is acked, then others may have their place', async () => {
  await broker.declare({ topic: 't', groups: ['g'] });
  for (let value = 1; value <= 8; value++) await broker.push('t', frame(value));
  const messages = await broker.pop('t', { ...me, count: 8, waitMs: 0, inPlace: true });
  expect(messages.every(({ payload }) => isShared(payload))).toBe(true);
  await broker.ack('t', me, messages.slice(0, 4));
  for (let value = 9; value <= 20; value++) await broker.push('t', frame(value));
  expect(messages.slice(4).every(({ payload }, index) => isWhole(payload, index + 5))).toBe(true);
  await broker.ack('t', me, messages.slice(4));
});
