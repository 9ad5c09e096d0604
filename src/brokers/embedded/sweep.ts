import { decodeDeadLetter } from './deadLetters.js';
import { entryCost } from './entry.js';
import { ownSeqKey, ownerRange } from './keys.js';
import { heldPayload } from './holds.js';
import { monotonicMs } from './clock.js';
import { payloadName } from './payloadKey.js';
import { topicRecord } from './records.js';
import type { Store } from './store.js';
import type { Table, Tables } from './tables.js';

/** Last positions of a topic: of its messages, and of its dead letters. */
interface Heads {
  readonly head: number;
  readonly lastLetter: number;
}

/**
 * Removes payloads that nothing refers to: left by producers that were killed between the data and the control plane.
 * Most of the work is one look at a state of the store, which holds up no other process.
 *
 * @returns how many there were.
 */
export async function sweepPayloads(store: Store, graceMs: number): Promise<number> {
  await letGoOfTheDead(store);
  await store.settle();
  // In this order: a payload that gets its entry after the first look has it at the second.
  const old = new Map(store.payloads.olderThan(graceMs).map((key) => [payloadName(key), key]));
  if (old.size === 0) return 0;
  const seen = store.view((tables) => {
    const heads = readHeads(tables);
    // Old payloads belong to old messages: most often the first rows name them all.
    for (const { value } of tables.entries.getRange()) if (forget(old, entryCost(value).payloadKey)) return heads;
    for (const { value } of tables.dead.getRange()) if (forget(old, decodeDeadLetter(Buffer.from(value)).payloadKey)) return heads;
    for (const { value } of tables.holds.getRange()) if (forget(old, heldPayload(value))) return heads;
    return heads;
  });
  if (old.size === 0) return 0;
  // A message whose end the disk does not have yet would come again, without its payload.
  await store.settle();
  // A producer that slept since before the grace may have woken up meanwhile. What it published is new; and in a
  // transaction nobody publishes.
  return store.exclusively((tables) => {
    for (const [topic, { head, lastLetter }] of readHeads(tables)) {
      const before = seen.get(topic) ?? { head: 0, lastLetter: 0 };
      if (head > before.head) for (const value of newer(tables.entries, topic, before.head)) forget(old, entryCost(value).payloadKey);
      if (lastLetter > before.lastLetter)
        for (const value of newer(tables.dead, topic, before.lastLetter)) forget(old, decodeDeadLetter(Buffer.from(value)).payloadKey);
    }
    store.payloads.remove([...old.values()]);
    return old.size;
  });
}

/** Frees what topics retained for long enough. */
export async function trimRetained(store: Store): Promise<void> {
  if (!store.view((_, log) => store.topics().some((topic) => log(topic)?.hasSpare))) return;
  await store.change((change) => {
    change.trim(Date.now());
  });
}

async function letGoOfTheDead(store: Store): Promise<void> {
  if (store.view((tables) => [...tables.holds.getKeys({ limit: 1 })].length === 0)) return;
  await store.change((change) => {
    for (const topic of store.topics()) change.log(topic)?.reapHolds(monotonicMs());
  });
}

/** By the numbers of the topics. */
function readHeads(tables: Tables): Map<number, Heads> {
  return new Map(
    [...tables.topics.getRange()].map(({ value }) => {
      const { number, head, lastLetter } = topicRecord.decode(value);
      return [number, { head, lastLetter }];
    }),
  );
}

function* newer(table: Table, topic: number, position: number): Generator<Uint8Array> {
  for (const { value } of table.getRange({ start: ownSeqKey(topic, position + 1), end: ownerRange(topic).end })) yield value;
}

/** @returns whether none is left. */
function forget(old: Map<string, Buffer>, key: Buffer | undefined): boolean {
  if (key) old.delete(payloadName(key));
  return old.size === 0;
}
