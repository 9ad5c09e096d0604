import type { DeadLetter } from '../broker.js';
import { damaged, parseStored } from './damaged.js';
import { decodeEntry, encodeEntry } from './entry.js';
import type { Entry } from './entry.js';

/** A dead letter as it is stored: a length, a JSON header, then the message as an entry of its own. */
export type StoredDeadLetter = Entry & Omit<DeadLetter, 'payload'>;

type Header = Pick<DeadLetter, 'seq' | 'group' | 'error' | 'attempts' | 'deadTime'>;

/** Longer error texts are cut: they only help people. */
const maxErrorLength = 16_384;

export function encodeDeadLetter(letter: Omit<StoredDeadLetter, 'payloadKey'>, payloadKey: Buffer | undefined): Buffer {
  const { seq, group, attempts, deadTime } = letter;
  const header: Header = { seq, group, error: letter.error.slice(0, maxErrorLength), attempts, deadTime };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, encodeEntry(letter, payloadKey)]);
}

/** @throws EdgeFlowError `MESSAGE_CORRUPT` */
export function decodeDeadLetter(bytes: Buffer): StoredDeadLetter {
  const end = bytes.length < 4 ? Infinity : 4 + bytes.readUInt32LE();
  if (end > bytes.length) throw damaged('a dead letter');
  const { seq, group, error, attempts, deadTime } = parseStored(bytes.toString('utf8', 4, end), 'a dead letter', isHeader);
  return { ...decodeEntry(bytes.subarray(end)), seq, group, error, attempts, deadTime };
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const header = value as Record<string, unknown>;
  return (
    ['seq', 'attempts', 'deadTime'].every((name) => Number.isFinite(header[name])) &&
    ['group', 'error'].every((name) => typeof header[name] === 'string')
  );
}
