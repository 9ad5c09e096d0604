/**
 * Keys of the tables: a table holds the rows of all topics, ordered by the number of the topic (or group) and then by
 * position, so that what is read together lies together.
 */

const seqBytes = 6;
const sessionBytes = 6;
const scratch = Buffer.alloc(4 + seqBytes);

/** Key of a numbered row. Valid until the next call: lmdb copies it at once. */
export function seqKey(owner: number, seq: number): Buffer {
  scratch.writeUInt32BE(owner, 0);
  scratch.writeUIntBE(seq, 4, seqBytes);
  return scratch;
}

/** The same in a buffer of its own, for the bounds of ranges. */
export function ownSeqKey(owner: number, seq: number): Buffer {
  return Buffer.from(seqKey(owner, seq));
}

/** The position in a key that {@link seqKey} made. */
export function seqOfKey(key: Uint8Array): number {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUIntBE(4, seqBytes);
}

/** Key of a named row. */
export function nameKey(owner: number, name: string): Buffer {
  const length = Buffer.byteLength(name);
  const key = Buffer.allocUnsafe(4 + length);
  key.writeUInt32BE(owner, 0);
  key.write(name, 4);
  return key;
}

/** The name in a key that {@link nameKey} made. */
export function nameOfKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8', 4);
}

/** Key of what a reader holds of a message; behind that of the message. */
export function holdKey(owner: number, seq: number, session: number, reader: string): Buffer {
  const tail = Buffer.alloc(sessionBytes + Buffer.byteLength(reader));
  tail.writeUIntBE(session, 0, sessionBytes);
  tail.write(reader, sessionBytes);
  return Buffer.concat([seqKey(owner, seq), tail]);
}

/** The session in a key that {@link holdKey} made. */
export function sessionOfHold(key: Uint8Array): number {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUIntBE(4 + seqBytes, sessionBytes);
}

/** Bounds of all holds of one message. */
export function holdRange(owner: number, seq: number): { readonly start: Buffer; readonly end: Buffer } {
  return { start: ownSeqKey(owner, seq), end: ownSeqKey(owner, seq + 1) };
}

/** Bounds of all rows of one owner. */
export function ownerRange(owner: number): { readonly start: Buffer; readonly end: Buffer } {
  const start = Buffer.alloc(4);
  start.writeUInt32BE(owner);
  const end = Buffer.alloc(4);
  end.writeUInt32BE(owner + 1);
  return { start, end };
}
