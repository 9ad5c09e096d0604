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

const most = { number: 2 ** 32 - 1, position: 2 ** 48 - 1 };

/**
 * @param make - a record of the values of all fields, in their order: a literal, because fields that are added one by one take
 * most of the time of a small transaction.
 * @param later - values of the last fields, which came after the first stores were made: a record in which all of them have
 * these values is stored without them, and so read by every version.
 */
function recordCodec<const Field extends string>(
  kinds: Readonly<Record<Field, Kind>>,
  make: (...values: number[]) => Record<Field, number>,
  later: Partial<Readonly<Record<Field, number>>> = {},
): RecordCodec<Record<Field, number>> {
  const all = Object.keys(kinds) as Field[];
  const first = all.filter((field) => later[field] === undefined);
  const kindOf = Object.values<Kind>(kinds);
  const afterwards = all.map((field) => later[field] ?? NaN);
  const isEarly = (record: Record<Field, number>): boolean =>
    first.length < all.length && all.slice(first.length).every((field) => record[field] === later[field]);
  return {
    encode(record) {
      const fields = isEarly(record) ? first : all;
      const bytes = Buffer.allocUnsafe(fields.length * 8);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      fields.forEach((field, at) => {
        view.setFloat64(at * 8, record[field], true);
      });
      return bytes;
    },
    decode(bytes) {
      const count = bytes.length / 8;
      if (count !== first.length && count !== all.length) throw damaged('a record');
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const values = [...afterwards];
      for (let at = 0; at < count; at++) {
        const value = view.getFloat64(at * 8, true);
        if (!isKind(value, kindOf[at])) throw damaged(`a record's ${all[at]}`);
        values[at] = value;
      }
      return make(...values);
    },
  };
}

function isKind(value: number, kind: Kind = 'amount'): boolean {
  return kind === 'amount' ? !Number.isNaN(value) : Number.isInteger(value) && value >= 0 && value <= most[kind];
}

type RecordOf<C> = C extends RecordCodec<infer R> ? R : never;

/** One for the whole store: the next number for a topic or group, all stored bytes, and those of them that nobody needs. */
export const storeRecord = recordCodec(
  { nextNumber: 'number', bytes: 'amount', spareBytes: 'amount' },
  (nextNumber, bytes, spareBytes) => ({ nextNumber, bytes, spareBytes }),
  { spareBytes: 0 },
);
export type StoreRecord = RecordOf<typeof storeRecord>;

/** `spare` messages are kept although nobody needs them, as long as `retainMs` and `retainBytes` allow. */
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
  },
  (number, head, entries, bytes, maxBytes, onFull, dedupeWindow, deadLetters, lastLetter, retainMs, retainBytes, spare, spareBytes) => ({
    number,
    head,
    entries,
    bytes,
    maxBytes,
    onFull,
    dedupeWindow,
    deadLetters,
    lastLetter,
    retainMs,
    retainBytes,
    spare,
    spareBytes,
  }),
  { ...nothingRetained, spare: 0, spareBytes: 0 },
);
export type TopicRecord = RecordOf<typeof topicRecord>;

/**
 * `open` counts the messages of the open set, `waiting` those of them without an owner, none of them due before `nextDue`;
 * `failed` those of them that have failed.
 */
export const groupRecord = recordCodec(
  {
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
  },
  (number, start, cursor, acked, dead, open, waiting, nextDue, owners, strict, failed) => ({
    number,
    start,
    cursor,
    acked,
    dead,
    open,
    waiting,
    nextDue,
    owners,
    strict,
    failed,
  }),
);
export type GroupRecord = RecordOf<typeof groupRecord>;

export const readerRecord = recordCodec(
  { start: 'position', cursor: 'position', delivered: 'amount', skipped: 'amount' },
  (start, cursor, delivered, skipped) => ({ start, cursor, delivered, skipped }),
);
export type ReaderRecord = RecordOf<typeof readerRecord>;

/** `session` is 0 for a consumer that was found dead. */
export const consumerRecord = recordCodec({ owner: 'number', session: 'position' }, (owner, session) => ({ owner, session }));

/** When an open message failed first, in milliseconds since the epoch. */
export const failureRecord = recordCodec({ firstTime: 'amount' }, (firstTime) => ({ firstTime }));

/** Last sign of life of a client, by the clock that all processes of the host share. */
export const sessionRecord = recordCodec({ beat: 'amount', visibilityMs: 'amount' }, (beat, visibilityMs) => ({ beat, visibilityMs }));

/** Of the data environment: bytes of its file that the file system has given, and bytes of stored payloads. */
export const spaceRecord = recordCodec({ allocated: 'amount', stored: 'amount' }, (allocated, stored) => ({ allocated, stored }));
export type SpaceRecord = RecordOf<typeof spaceRecord>;
