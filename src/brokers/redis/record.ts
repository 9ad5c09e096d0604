import { EdgeFlowError } from '../../errors.js';
import type { OutgoingMessage, ReceivedMessage } from '../../message.js';
import { checksum, isIntact } from '../checksum.js';

/** A message as the control plane stores it; its payload is inside, or on the data plane. */
export interface StoredMessage extends Omit<ReceivedMessage, 'payload'> {
  readonly body: Buffer | undefined;
  /** Key of the payload on the data plane. */
  readonly blob: string | undefined;
  /** Length of the payload. */
  readonly length: number;
  readonly checksum: number;
}

const fixedBytes = 22;
const newline = 10;
const space = 32;

/**
 * Writes a record: a line `<bytes> <blob key> <token>` for the scripts, then time (float64), lengths of payload, id and
 * meta (uint32, uint16, uint32), checksum (uint32; all little endian), id, meta, and the payload where there is no blob
 * key.
 *
 * @param token - names this publish; a repeated one is known by it.
 */
export function writeRecord(message: OutgoingMessage, blobKey: string | undefined, token: string): Buffer {
  const { id, time, meta, payload } = message;
  const head = `${meta.length + payload.length} ${blobKey ?? ''} ${token}\n`;
  const idBytes = Buffer.byteLength(id);
  const body = blobKey === undefined ? payload : undefined;
  const record = Buffer.allocUnsafe(head.length + fixedBytes + idBytes + meta.length + (body?.length ?? 0));
  let at = record.write(head, 'latin1');
  at = record.writeDoubleLE(time, at);
  at = record.writeUInt32LE(payload.length, at);
  at = record.writeUInt16LE(idBytes, at);
  at = record.writeUInt32LE(meta.length, at);
  at = record.writeUInt32LE(checksum(message), at);
  at += record.write(id, at);
  record.set(meta, at);
  if (body) record.set(body, at + meta.length);
  return record;
}

/** The words of a record's first line that scripts look for: its bytes, and its blob key where there is one. */
export function headOf({ meta, length, blob }: StoredMessage): string {
  return blob === undefined ? String(meta.length + length) : `${meta.length + length} ${blob}`;
}

/** @throws EdgeFlowError `MESSAGE_CORRUPT` for bytes whose lengths do not fit each other. */
export function readRecord(seq: number, record: Buffer): StoredMessage {
  const start = record.indexOf(space) + 1;
  const end = record.indexOf(space, start);
  const fixed = record.indexOf(newline, end) + 1;
  if (start === 0 || end < 0 || fixed === 0) throw corrupt(seq, `${record.length} bytes without its first line`);
  let at = fixed + fixedBytes;
  if (at > record.length) throw corrupt(seq, `${record.length} bytes; expected at least ${at}`);
  const key = start === end ? undefined : record.toString('latin1', start, end);
  const time = record.readDoubleLE(fixed);
  const length = record.readUInt32LE(fixed + 8);
  const idBytes = record.readUInt16LE(fixed + 12);
  const metaBytes = record.readUInt32LE(fixed + 14);
  const expected = at + idBytes + metaBytes + (key === undefined ? length : 0);
  if (expected !== record.length) throw corrupt(seq, `${record.length} bytes; expected ${expected}`);
  const id = record.toString('utf8', at, (at += idBytes));
  const meta = record.subarray(at, (at += metaBytes));
  const body = key === undefined ? record.subarray(at) : undefined;
  return { seq, id, time, meta, body, blob: key, length, checksum: record.readUInt32LE(fixed + 18) };
}

function corrupt(seq: number, found: string): EdgeFlowError {
  return new EdgeFlowError('MESSAGE_CORRUPT', `the record of message ${seq} has ${found}: something else than EdgeFlow wrote it`);
}

/** What is wrong with the payload that was found for a message; undefined where nothing is. */
export function flawOf({ id, meta, length, checksum: published }: StoredMessage, payload: Buffer | undefined): EdgeFlowError | undefined {
  let found: string;
  if (!payload) found = 'is gone from the data plane';
  else if (payload.length !== length) found = `has ${payload.length} bytes, and ${length} were published`;
  else if (!isIntact({ meta, payload }, published)) found = 'does not have the bytes that were published: their checksums differ';
  else return undefined;
  return new EdgeFlowError('MESSAGE_CORRUPT', `the payload of message '${id}' ${found}: check the memory and the disk of the servers`);
}

export function toMessage({ seq, id, time, meta }: StoredMessage, payload: Buffer): ReceivedMessage {
  return { seq, id, time, meta, payload };
}

/** Reads a record, or tells what is wrong with it. */
export function tryReadRecord(seq: number, record: Buffer): StoredMessage | EdgeFlowError {
  try {
    return readRecord(seq, record);
  } catch (error) {
    if (error instanceof EdgeFlowError) return error;
    throw error;
  }
}
