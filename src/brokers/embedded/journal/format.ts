import { crc32 } from '../../../crc32.js';
import { recordCodec } from '../records.js';
import type { RecordOf } from '../records.js';

/**
 * How a journal lies on the disk: in segments `journal-<number>`, each a header and then records, one for a transaction. All
 * numbers are little endian.
 *
 *     header    magic (uint32), format (uint32), number of the segment (uint32), number of the transaction before it (float64),
 *               its checksum (uint32), CRC-32 of all this (uint32)
 *     record    bytes of the body (uint32), checksum (uint32), number of the transaction (float64), body
 *     body      changes, each: kind (uint8), place of the table among {@link controlTables} (uint8), bytes of the key (uint16),
 *               bytes of the value (uint32), key, value
 *
 * The checksum of a record is the CRC-32 of its number and its body, begun with the checksum of the record before. So what is left
 * of records that a loss of power cut off cannot be taken for what follows others that were written in their place.
 */
export const segmentHeaderBytes = 28;
export const recordHeadBytes = 16;
export const changeHeadBytes = 8;

const magic = 0x6a664545;
const version = 1;

export const changeKind = { put: 1, remove: 2, clear: 3 } as const;

/** Where a journal goes on, as its store keeps it beside what the transactions changed. */
export const positionRecord = recordCodec({
  /** Number of the segment, and bytes of it in use. */
  segment: 'number',
  offset: 'amount',
  /** Of the last transaction, and its checksum. */
  number: 'position',
  checksum: 'number',
  /** The last transaction that the journal lacks, because it found no room; 0 where it lacks none. */
  hole: 'position',
  /** 1 while it takes nothing, since it would not follow what it holds. */
  paused: 'amount',
  /** The last transaction of the last checkpoint, and the segment that goes on behind it. */
  base: 'position',
  baseSegment: 'number',
});
export type Position = RecordOf<typeof positionRecord>;

/** Key of the position in the table of the store. */
export const positionKey = Buffer.from('journal');

export const startPosition: Position = { segment: 0, offset: 0, number: 0, checksum: 0, hole: 0, paused: 0, base: 0, baseSegment: 1 };

const padded = (number: number): string => String(number).padStart(16, '0');
const numberOf = (pattern: RegExp, name: string): number | undefined => {
  const found = pattern.exec(name)?.[1];
  return found === undefined ? undefined : Number(found);
};

export const segmentName = (segment: number): string => `journal-${padded(segment)}`;
export const checkpointName = (number: number): string => `checkpoint-${padded(number)}.mdb`;
/** The number of a segment's file; undefined for other files. */
export const segmentOf = (name: string): number | undefined => numberOf(/^journal-(\d{16})$/, name);
/** The last transaction in a checkpoint's file; undefined for other files. */
export const checkpointOf = (name: string): number | undefined => numberOf(/^checkpoint-(\d{16})\.mdb$/, name);

/** What a segment's header says. */
export interface SegmentHeader {
  readonly segment: number;
  /** Number and checksum of the transaction before its first one. */
  readonly number: number;
  readonly checksum: number;
}

export function encodeHeader({ segment, number, checksum }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt32LE(version, 4);
  bytes.writeUInt32LE(segment, 8);
  bytes.writeDoubleLE(number, 12);
  bytes.writeUInt32LE(checksum, 20);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 24)), 24);
  return bytes;
}

/** undefined for one that was not written wholly. */
export function decodeHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes || bytes.readUInt32LE(24) !== crc32(bytes.subarray(0, 24))) return undefined;
  if (bytes.readUInt32LE(0) !== magic || bytes.readUInt32LE(4) !== version) return undefined;
  return { segment: bytes.readUInt32LE(8), number: bytes.readDoubleLE(12), checksum: bytes.readUInt32LE(20) };
}

/** Completes a record whose body is written already, behind room for its head; returns its checksum. */
export function completeRecord(record: Buffer, number: number, before: number): number {
  record.writeUInt32LE(record.length - recordHeadBytes, 0);
  record.writeDoubleLE(number, 8);
  const checksum = crc32(record.subarray(8), before);
  record.writeUInt32LE(checksum, 4);
  return checksum;
}

/** One transaction of a segment. */
export interface JournalRecord {
  readonly number: number;
  readonly checksum: number;
  readonly body: Buffer;
}

/** Where to begin in a segment, and what stands before. */
export interface JournalStart extends Pick<JournalRecord, 'number' | 'checksum'> {
  readonly offset: number;
}

/** The records of a segment in order, up to the first that does not follow the one before, or was not written wholly. */
export function* recordsOf(segment: Buffer, { number, checksum, offset }: JournalStart): Generator<JournalRecord> {
  let at = offset;
  while (at + recordHeadBytes <= segment.length) {
    const end = at + recordHeadBytes + segment.readUInt32LE(at);
    if (end > segment.length || segment.readDoubleLE(at + 8) !== number + 1) return;
    const found = crc32(segment.subarray(at + 8, end), checksum);
    if (found !== segment.readUInt32LE(at + 4)) return;
    [number, checksum] = [number + 1, found];
    yield { number, checksum, body: segment.subarray(at + recordHeadBytes, end) };
    at = end;
  }
}

/** What a transaction did to a table. */
export interface TableChange {
  readonly kind: number;
  readonly table: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

export function* changesOf(body: Buffer): Generator<TableChange> {
  for (let at = 0; at < body.length;) {
    const keyAt = at + changeHeadBytes;
    const valueAt = keyAt + body.readUInt16LE(at + 2);
    const end = valueAt + body.readUInt32LE(at + 4);
    yield {
      kind: body.readUInt8(at),
      table: body.readUInt8(at + 1),
      key: body.subarray(keyAt, valueAt),
      value: body.subarray(valueAt, end),
    };
    at = end;
  }
}
