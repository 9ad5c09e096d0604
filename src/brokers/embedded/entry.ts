import type { OutgoingMessage } from '../../message.js';
import { payloadKeyBytes } from './payloads.js';

/** Payloads up to this size travel inside the entry. */
export const inlineBytes = 4096;

/** A stored message: its payload is here, or lies in the data environment under `payloadKey`. */
export interface Entry extends OutgoingMessage {
  readonly payloadKey: Buffer | undefined;
  /** Bytes that the message counts for. */
  readonly bytes: number;
}

// time, payload length, meta length, id length and whether the payload is elsewhere
const headerBytes = 8 + 4 + 4 + 2 + 1;

let scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** Bytes of an entry, valid until the next call: lmdb copies them at once. */
export function encodeEntry({ id, time, meta, payload }: OutgoingMessage, payloadKey: Buffer | undefined): Buffer {
  const tail = payloadKey ?? payload;
  const most = headerBytes + id.length * 3 + meta.length + tail.length;
  if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most * 2);
  const idBytes = scratch.write(id, headerBytes);
  scratch.writeDoubleLE(time, 0);
  scratch.writeUInt32LE(payload.length, 8);
  scratch.writeUInt32LE(meta.length, 12);
  scratch.writeUInt16LE(idBytes, 16);
  scratch[18] = payloadKey ? 1 : 0;
  const metaStart = headerBytes + idBytes;
  scratch.set(meta, metaStart);
  scratch.set(tail, metaStart + meta.length);
  return scratch.subarray(0, metaStart + meta.length + tail.length);
}

/** Reads an entry. The arrays of the result lie in `bytes`. */
export function decodeEntry(bytes: Uint8Array): Entry {
  const buffer = asBuffer(bytes);
  const payloadLength = buffer.readUInt32LE(8);
  const metaLength = buffer.readUInt32LE(12);
  const metaStart = headerBytes + buffer.readUInt16LE(16);
  const payloadStart = metaStart + metaLength;
  const elsewhere = buffer[18] === 1;
  return {
    id: buffer.toString('utf8', headerBytes, metaStart),
    time: buffer.readDoubleLE(0),
    meta: buffer.subarray(metaStart, payloadStart),
    payload: elsewhere || payloadLength === 0 ? noPayload : buffer.subarray(payloadStart, payloadStart + payloadLength),
    payloadKey: elsewhere ? buffer.subarray(payloadStart, payloadStart + payloadKeyBytes) : undefined,
    bytes: metaLength + payloadLength,
  };
}

const noPayload = new Uint8Array(0);

/** What freeing an entry needs, without decoding the rest. */
export function entryCost(bytes: Uint8Array): Pick<Entry, 'bytes' | 'payloadKey'> {
  const buffer = asBuffer(bytes);
  const metaLength = buffer.readUInt32LE(12);
  const payloadStart = headerBytes + buffer.readUInt16LE(16) + metaLength;
  return {
    bytes: metaLength + buffer.readUInt32LE(8),
    payloadKey: buffer[18] === 1 ? Buffer.from(buffer.subarray(payloadStart, payloadStart + payloadKeyBytes)) : undefined,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
