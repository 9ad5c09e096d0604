import type { OutgoingMessage } from '../../message.js';
import { noChecksum } from '../checksum.js';
import { damaged } from './damaged.js';
import { payloadKeyBytes } from './payloadKey.js';

/** Payloads up to this size travel inside the entry. */
export const inlineBytes = 4096;

/** A stored message: its payload is here, or lies in the data environment under `payloadKey`. */
export interface Entry extends OutgoingMessage {
  readonly payloadKey: Buffer | undefined;
  /** Of meta and payload; see `checksum.ts`. */
  readonly checksum: number;
  /** Bytes that the message counts for. */
  readonly bytes: number;
}

// time, payload length, meta length, checksum, id length and whether the payload is elsewhere
const headerBytes = 8 + 4 + 4 + 4 + 2 + 1;

/** What becomes an entry. */
export interface NewEntry {
  readonly message: OutgoingMessage;
  readonly payloadKey: Buffer | undefined;
  /** undefined where nobody will ask for it. */
  readonly checksum: number | undefined;
}

export function encodeEntry({ message, payloadKey, checksum = noChecksum }: NewEntry): Buffer {
  return encode(message, payloadKey, checksum, message.payload.length);
}

/** Entries that one piece of memory holds, for a transaction that stores them together. */
export function encodeEntries(entries: readonly NewEntry[]): Buffer[] {
  const sizes = entries.map(({ message, payloadKey }) => mostBytes(message, payloadKey));
  const memory = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size, 0));
  let start = 0;
  return entries.map(({ message, payloadKey, checksum = noChecksum }) => {
    const end = write(memory, start, message, payloadKey, checksum, message.payload.length);
    const entry = memory.subarray(start, end);
    start = end;
    return entry;
  });
}

/** The same for an entry that was read, whose payload may lie elsewhere under `payloadKey`. */
export function reencodeEntry(entry: Entry, payloadKey = entry.payloadKey): Buffer {
  return encode(entry, payloadKey, entry.checksum, entry.bytes - entry.meta.length);
}

function encode(message: OutgoingMessage, payloadKey: Buffer | undefined, checksum: number, payloadLength: number): Buffer {
  const memory = Buffer.allocUnsafe(mostBytes(message, payloadKey));
  return memory.subarray(0, write(memory, 0, message, payloadKey, checksum, payloadLength));
}

function mostBytes({ id, meta, payload }: OutgoingMessage, payloadKey: Buffer | undefined): number {
  return headerBytes + id.length * 3 + meta.length + (payloadKey ?? payload).length;
}

/** @returns where the entry ends. */
function write(
  memory: Buffer,
  start: number,
  { id, time, meta, payload }: OutgoingMessage,
  payloadKey: Buffer | undefined,
  checksum: number,
  payloadLength: number,
): number {
  const idStart = start + headerBytes;
  const idBytes = memory.write(id, idStart);
  memory.writeDoubleLE(time, start);
  memory.writeUInt32LE(payloadLength, start + 8);
  memory.writeUInt32LE(meta.length, start + 12);
  memory.writeUInt32LE(checksum, start + 16);
  memory.writeUInt16LE(idBytes, start + 20);
  memory[start + 22] = payloadKey ? 1 : 0;
  const metaStart = idStart + idBytes;
  memory.set(meta, metaStart);
  const tail = payloadKey ?? payload;
  memory.set(tail, metaStart + meta.length);
  return metaStart + meta.length + tail.length;
}

/** Where the parts of an entry lie. @throws EdgeFlowError `MESSAGE_CORRUPT` */
function layOut(buffer: Buffer): { metaStart: number; payloadStart: number; payloadLength: number; elsewhere: boolean } {
  if (buffer.length < headerBytes) throw damaged('a message');
  const payloadLength = buffer.readUInt32LE(8);
  const metaStart = headerBytes + buffer.readUInt16LE(20);
  const payloadStart = metaStart + buffer.readUInt32LE(12);
  const elsewhere = buffer[22] === 1;
  if (payloadStart + (elsewhere ? payloadKeyBytes : payloadLength) !== buffer.length) throw damaged('a message');
  return { metaStart, payloadStart, payloadLength, elsewhere };
}

/** Reads an entry. The arrays of the result lie in `bytes`. @throws EdgeFlowError `MESSAGE_CORRUPT` */
export function decodeEntry(bytes: Uint8Array): Entry {
  const buffer = asBuffer(bytes);
  const { metaStart, payloadStart, payloadLength, elsewhere } = layOut(buffer);
  return {
    id: buffer.toString('utf8', headerBytes, metaStart),
    time: buffer.readDoubleLE(0),
    meta: buffer.subarray(metaStart, payloadStart),
    payload: elsewhere || payloadLength === 0 ? noPayload : buffer.subarray(payloadStart),
    payloadKey: elsewhere ? buffer.subarray(payloadStart) : undefined,
    checksum: buffer.readUInt32LE(16),
    bytes: payloadStart - metaStart + payloadLength,
  };
}

const noPayload = new Uint8Array(0);

/** When the message of an entry was made. @throws EdgeFlowError `MESSAGE_CORRUPT` */
export function entryTime(bytes: Uint8Array): number {
  if (bytes.length < headerBytes) throw damaged('a message');
  return asBuffer(bytes).readDoubleLE(0);
}

/** What freeing an entry needs, without decoding the rest. @throws EdgeFlowError `MESSAGE_CORRUPT` */
export function entryCost(bytes: Uint8Array): Pick<Entry, 'bytes' | 'payloadKey'> {
  const buffer = asBuffer(bytes);
  const { metaStart, payloadStart, payloadLength, elsewhere } = layOut(buffer);
  return {
    bytes: payloadStart - metaStart + payloadLength,
    payloadKey: elsewhere ? Buffer.from(buffer.subarray(payloadStart)) : undefined,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
