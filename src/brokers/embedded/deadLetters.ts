import type { DeadLetter } from '../broker.js';
import { damaged, parseStored } from './damaged.js';
import { decodeEntry, reencodeEntry } from './entry.js';
import type { Entry } from './entry.js';

/** A dead letter as it is stored: a length, a JSON header, then the message as an entry of its own. Its number is its key. */
export interface StoredDeadLetter extends Entry, Omit<DeadLetter, 'payload' | 'letter'> {
  /** Of the last delivery. */
  readonly token: number;
}

type Header = Pick<StoredDeadLetter, 'seq' | 'token' | 'group' | 'error' | 'stack' | 'attempts' | 'firstTime' | 'deadTime'>;

/** Longer error texts are cut: they only help people. */
const maxErrorLength = 16_384;

export function encodeDeadLetter(letter: StoredDeadLetter, payloadKey: Buffer | undefined): Buffer {
  const { seq, token, group, attempts, firstTime, deadTime } = letter;
  const [error = '', stack] = [letter.error, letter.stack].map((text) => text?.slice(0, maxErrorLength));
  const header: Header = { seq, token, group, error, stack, attempts, firstTime, deadTime };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, reencodeEntry(letter, payloadKey)]);
}

/** @throws EdgeFlowError `MESSAGE_CORRUPT` */
export function decodeDeadLetter(bytes: Buffer): StoredDeadLetter {
  const end = bytes.length < 4 ? Infinity : 4 + bytes.readUInt32LE();
  if (end > bytes.length) throw damaged('a dead letter');
  const { seq, token, group, error, stack, attempts, firstTime, deadTime } = parseStored(
    bytes.toString('utf8', 4, end),
    'a dead letter',
    isHeader,
  );
  return { ...decodeEntry(bytes.subarray(end)), seq, token, group, error, stack, attempts, firstTime, deadTime };
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const header = value as Record<string, unknown>;
  return (
    ['seq', 'token', 'attempts', 'firstTime', 'deadTime'].every((name) => Number.isFinite(header[name])) &&
    ['group', 'error'].every((name) => typeof header[name] === 'string') &&
    ['string', 'undefined'].includes(typeof header.stack)
  );
}
