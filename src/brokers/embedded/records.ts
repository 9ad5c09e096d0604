import { nothingRetained } from '../options.js';
import { damaged } from './damaged.js';

/** Turns a record of numbers into bytes and back; fast, because a transaction reads and writes several. */
export interface RecordCodec<R> {
  encode(record: R): Buffer;
  /** @throws EdgeFlowError `MESSAGE_CORRUPT` */
  decode(bytes: Uint8Array): R;
}

/**
 * What a field holds: the number of a topic, group or consumer; a position in a log, or a session; or any amount, where
 * a time and a limit may be infinite. The first two become parts of keys, which hold no more than `most`.
 */
type Kind = 'number' | 'position' | 'amount';

/** Where records are read and written: to look at the bytes of each by a view of their own takes longer than the rest. */
const view = new DataView(new ArrayBuffer(1024));
const viewed = new Uint8Array(view.buffer);

const most = { number: 2 ** 32 - 1, position: 2 ** 48 - 1 };

/**
 * @param later - values of the last fields, which came after the first stores were made: those at the end that have these
 * values are left out, and so every version reads what it can know of.
 */
export function recordCodec<const Field extends string>(
  kinds: Readonly<Record<Field, Kind>>,
  later: Partial<Readonly<Record<Field, number>>> = {},
): RecordCodec<Record<Field, number>> {
  const all = Object.entries<Kind>(kinds) as [Field, Kind][];
  const least = all.filter(([field]) => later[field] === undefined).length;
  const byLength = new Map(all.map((_, last) => [(last + 1) * 8, all.slice(0, last + 1)] as const).slice(least - 1));
  // With all fields in place: to add them one by one takes longer than all the rest of a decode.
  const blank = Object.fromEntries(all.map(([field]) => [field, later[field] ?? 0])) as Record<Field, number>;
  return {
    encode(record) {
      const count = Math.max(least, all.findLastIndex(([field]) => record[field] !== later[field]) + 1);
      byLength.get(count * 8)?.forEach(([field], index) => {
        view.setFloat64(index * 8, record[field], true);
      });
      return Buffer.from(viewed.subarray(0, count * 8));
    },
    decode(bytes) {
      const fields = byLength.get(bytes.length);
      if (!fields) throw damaged('a record');
      viewed.set(bytes);
      const record = { ...blank };
      fields.forEach(([field, kind], index) => {
        const value = view.getFloat64(index * 8, true);
        if (kind === 'amount' ? Number.isNaN(value) : !(Number.isInteger(value) && value >= 0 && value <= most[kind]))
          throw damaged(`a record's ${field}`);
        record[field] = value;
      });
      return record;
    },
  };
}

export type RecordOf<C> = C extends RecordCodec<infer R> ? R : never;

/** One for the whole store: the next number for a topic or group, all stored bytes, and those of them that nobody needs. */
export const storeRecord = recordCodec({ nextNumber: 'number', bytes: 'amount', spareBytes: 'amount' }, { spareBytes: 0 });
export type StoreRecord = RecordOf<typeof storeRecord>;

/**
 * `spare` messages are kept although nobody needs them, as long as `retainMs` and `retainBytes` allow. `members` is another number
 * whenever there are other groups or readers. `holds` counts the payloads that readers look at, all of messages
 * from `heldFrom` on; it is infinite where an earlier version did not count them.
 */
export const topicRecord = recordCodec(
  {
    number: 'number',
    head: 'position',
    entries: 'amount',
    bytes: 'amount',
    maxBytes: 'amount',
    onFull: 'amount',
    dedupeWindow: 'amount',
    deadLetters: 'amount',
    lastLetter: 'position',
    retainMs: 'amount',
    retainBytes: 'amount',
    spare: 'amount',
    spareBytes: 'amount',
    members: 'number',
    holds: 'amount',
    heldFrom: 'position',
  },
  { ...nothingRetained, spare: 0, spareBytes: 0, members: 0, holds: Infinity, heldFrom: 0 },
);
export type TopicRecord = RecordOf<typeof topicRecord>;

/**
 * `open` counts the messages of the open set, `waiting` those of them without an owner, none of them due before `nextDue`;
 * `failed` those of them that have failed.
 */
export const groupRecord = recordCodec({
  number: 'number',
  start: 'position',
  cursor: 'position',
  acked: 'amount',
  dead: 'amount',
  open: 'amount',
  waiting: 'amount',
  nextDue: 'amount',
  owners: 'number',
  strict: 'amount',
  failed: 'amount',
});
export type GroupRecord = RecordOf<typeof groupRecord>;

export const readerRecord = recordCodec({ start: 'position', cursor: 'position', delivered: 'amount', skipped: 'amount' });
export type ReaderRecord = RecordOf<typeof readerRecord>;

/** `session` is 0 for a consumer that was found dead. */
export const consumerRecord = recordCodec({ owner: 'number', session: 'position' });

/** When an open message failed first, in milliseconds since the epoch. */
export const failureRecord = recordCodec({ firstTime: 'amount' });

/** Last sign of life of a client, by the clock that all processes of the host share. */
export const sessionRecord = recordCodec({ beat: 'amount', visibilityMs: 'amount' });

/** Of the data environment: bytes of its file that the file system has given, and bytes of stored payloads. */
export const spaceRecord = recordCodec({ allocated: 'amount', stored: 'amount' });
export type SpaceRecord = RecordOf<typeof spaceRecord>;
