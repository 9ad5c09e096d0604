import type { MemberNames } from './members.js';
import type { RecentIds } from './recentIds.js';
import type { TopicRecord } from './records.js';

/** What a log reports to the transaction that it is part of. */
export interface LogEffects {
  /** Stored bytes of the whole store. */
  bytes: number;
  /** Those of them that nobody needs. */
  spareBytes: number;
  /** Payloads to remove after the commit. */
  readonly freed: Uint8Array[];
  /** Makes a number that no topic, group or change of members has had. */
  nextNumber(): number;
  copyPayload(key: Uint8Array): Buffer | undefined;
  /** Who reads a topic. */
  readonly members: (topic: TopicRecord) => MemberNames;
  /** The last ids of a topic, by its number. */
  readonly recentIds: (topic: number) => RecentIds;
}
