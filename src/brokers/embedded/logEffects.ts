import type { RecentIds } from './recentIds.js';

/** What a log reports to the transaction that it is part of. */
export interface LogEffects {
  /** Stored bytes of the whole store. */
  bytes: number;
  /** Those of them that nobody needs. */
  spareBytes: number;
  /** Payloads to remove after the commit. */
  readonly freed: Uint8Array[];
  /** Makes a number that no topic or group has had. */
  nextNumber(): number;
  copyPayload(key: Uint8Array): Buffer | undefined;
  /** The last ids of a topic, by its number. */
  recentIds(topic: number): RecentIds;
}
