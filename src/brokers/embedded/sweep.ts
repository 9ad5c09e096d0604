import { decodeDeadLetter } from './deadLetters.js';
import { entryCost } from './entry.js';
import type { Store } from './store.js';

/**
 * Removes payloads that nothing refers to: left by producers that were killed between the data and the control plane.
 *
 * @returns how many there were.
 */
export function sweepPayloads(store: Store, graceMs: number): number {
  // In this order: a payload that gets its entry after the first look has it at the second.
  const old = new Map(store.payloads.olderThan(graceMs).map((key) => [key.toString('hex'), key]));
  if (old.size === 0) return 0;
  store.view((tables) => {
    for (const { value } of tables.entries.getRange()) forget(old, entryCost(value).payloadKey);
    for (const { value } of tables.dead.getRange()) forget(old, decodeDeadLetter(Buffer.from(value)).payloadKey);
  });
  store.payloads.remove([...old.values()]);
  return old.size;
}

function forget(old: Map<string, Buffer>, key: Buffer | undefined): void {
  if (key) old.delete(key.toString('hex'));
}
