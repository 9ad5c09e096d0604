/** Where a payload lies: which place, taken when, and how long it is. */
export interface Place {
  readonly number: number;
  /** When the place was taken, by the monotonic clock. No two uses of one place have the same stamp. */
  readonly stamp: number;
  /** {@link unknownBytes} in a key that was made without reading the payload. */
  readonly bytes: number;
}

/** Bytes of the key of a payload, which its entry carries. */
export const payloadKeyBytes = 16;

/** To ask for the length may be to read the payload. */
export const unknownBytes = 2 ** 32 - 1;

export function encodeKey({ number, stamp, bytes }: Place): Buffer {
  const key = Buffer.allocUnsafe(payloadKeyBytes);
  key.writeUInt32BE(number, 0);
  key.writeDoubleBE(stamp, 4);
  key.writeUInt32BE(bytes, 12);
  return key;
}

export function decodeKey(key: Uint8Array): Place {
  const buffer = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return { number: buffer.readUInt32BE(0), stamp: buffer.readDoubleBE(4), bytes: buffer.readUInt32BE(12) };
}

/** Names a payload: the part of its key that does not depend on its length. */
export function payloadName(key: Buffer): string {
  return key.toString('latin1', 0, 12);
}

/** Key of a numbered row of the data environment. */
export function rowKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(number);
  return key;
}
