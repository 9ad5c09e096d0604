/** Turns a record of numbers into bytes and back; fast, because a transaction reads and writes several. */
export interface RecordCodec<R> {
  encode(record: R): Buffer;
  decode(bytes: Uint8Array): R;
}

function recordCodec<const Fields extends readonly string[]>(fields: Fields): RecordCodec<Record<Fields[number], number>> {
  type Field = Fields[number];
  return {
    encode(record) {
      const bytes = Buffer.allocUnsafe(fields.length * 8);
      fields.forEach((field: Field, index) => bytes.writeDoubleLE(record[field], index * 8));
      return bytes;
    },
    decode(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const record: Partial<Record<Field, number>> = {};
      fields.forEach((field: Field, index) => (record[field] = view.getFloat64(index * 8, true)));
      return record as Record<Field, number>;
    },
  };
}

type RecordOf<C> = C extends RecordCodec<infer R> ? R : never;

/** One for the whole store: the next number for a topic or group, and all stored bytes. */
export const storeRecord = recordCodec(['nextNumber', 'bytes']);
export type StoreRecord = RecordOf<typeof storeRecord>;

export const topicRecord = recordCodec(['number', 'head', 'entries', 'bytes', 'maxBytes', 'rejects', 'dedupeWindow', 'deadLetters']);
export type TopicRecord = RecordOf<typeof topicRecord>;

/** `open` counts the messages of the open set, `waiting` those of them without an owner, none of them due before `nextDue`. */
export const groupRecord = recordCodec(['number', 'start', 'cursor', 'acked', 'dead', 'open', 'waiting', 'nextDue', 'owners', 'strict']);
export type GroupRecord = RecordOf<typeof groupRecord>;

export const readerRecord = recordCodec(['start', 'cursor', 'delivered', 'skipped']);
export type ReaderRecord = RecordOf<typeof readerRecord>;

/** `session` is 0 for a consumer that was found dead. */
export const consumerRecord = recordCodec(['owner', 'session']);

/** Last sign of life of a client, by the clock that all processes of the host share. */
export const sessionRecord = recordCodec(['beat', 'visibilityMs']);

/** Of the data environment: bytes of its file that the file system has given, and bytes of stored payloads. */
export const spaceRecord = recordCodec(['allocated', 'stored']);
export type SpaceRecord = RecordOf<typeof spaceRecord>;
