import type { OutgoingMessage, ReceivedMessage } from '../../message.js';

/** A message as the control plane stores it; its payload is inside, or on the data plane. */
export interface StoredMessage extends Omit<ReceivedMessage, 'payload'> {
  readonly body: Buffer | undefined;
  readonly blob: BlobReference | undefined;
}

/** Where a payload lies on the data plane. */
export interface BlobReference {
  readonly key: string;
  readonly length: number;
}

const fixedBytes = 18;
const newline = 10;
const space = 32;

/**
 * Writes a record: a line `<bytes> <blob key> <token>` for the scripts, then time (float64), payload length, lengths of
 * id and meta (all uint32, but uint16 for the id; little endian), id, meta, and the payload where there is no blob key.
 *
 * @param token - names this publish; a repeated one is known by it.
 */
export function writeRecord({ id, time, meta, payload }: OutgoingMessage, blobKey: string | undefined, token: string): Buffer {
  const head = `${meta.length + payload.length} ${blobKey ?? ''} ${token}\n`;
  const idBytes = Buffer.byteLength(id);
  const body = blobKey === undefined ? payload : undefined;
  const record = Buffer.allocUnsafe(head.length + fixedBytes + idBytes + meta.length + (body?.length ?? 0));
  let at = record.write(head, 'latin1');
  at = record.writeDoubleLE(time, at);
  at = record.writeUInt32LE(payload.length, at);
  at = record.writeUInt16LE(idBytes, at);
  at = record.writeUInt32LE(meta.length, at);
  at += record.write(id, at);
  record.set(meta, at);
  if (body) record.set(body, at + meta.length);
  return record;
}

export function readRecord(seq: number, record: Buffer): StoredMessage {
  const start = record.indexOf(space) + 1;
  const end = record.indexOf(space, start);
  const key = start === end ? '' : record.toString('latin1', start, end);
  let at = record.indexOf(newline, end) + 1;
  const time = record.readDoubleLE(at);
  const length = record.readUInt32LE(at + 8);
  const idBytes = record.readUInt16LE(at + 12);
  const metaBytes = record.readUInt32LE(at + 14);
  at += fixedBytes;
  const id = record.toString('utf8', at, (at += idBytes));
  const meta = record.subarray(at, (at += metaBytes));
  return { seq, id, time, meta, body: key === '' ? record.subarray(at) : undefined, blob: key === '' ? undefined : { key, length } };
}

export function toMessage({ seq, id, time, meta }: StoredMessage, payload: Buffer): ReceivedMessage {
  return { seq, id, time, meta, payload };
}
