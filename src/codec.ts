import { Packr } from 'msgpackr';
import { EdgeFlowError, errorMessage } from './errors.js';
import { checkMessagePack } from './messagePack.js';
import { checkPlain, forbiddenKeys } from './plainData.js';

/** A value split into what is small and what is large. */
export interface Encoded {
  readonly meta: Uint8Array;
  readonly payload: Uint8Array;
}

/** The most bytes a value may have besides its payload. */
export const maxMetaBytes = 1024 * 1024;

// Plain records only. That forbids little: msgpackr reads every extension type that it knows, and writes a Float32Array
// over memory that it did not clear. So values are checked before it writes, and bytes before it reads.
const packr = new Packr({ useRecords: false, mapsAsObjects: true, moreTypes: false, structuredClone: false });

const noPayload = new Uint8Array(0);

/** The key of the largest byte array among the value's own properties. */
function payloadKey(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  let largest: string | undefined;
  let size = -1;
  for (const [key, entry] of Object.entries(value)) {
    if (entry instanceof Uint8Array && entry.length > size) {
      largest = key;
      size = entry.length;
    }
  }
  return largest;
}

/**
 * Splits a value into MessagePack for its small parts and its largest byte array, which is not copied.
 *
 * @throws EdgeFlowError `VALUE_INVALID` for what is not plain data, such as a function or a Date, and `MESSAGE_TOO_LARGE` for small
 * parts over 1 MiB.
 */
export function encodeValue(value: unknown): Encoded {
  checkPlain(value);
  if (value instanceof Uint8Array) return { meta: pack([1]), payload: value };
  const key = payloadKey(value);
  if (key === undefined) return { meta: pack([0, value]), payload: noPayload };
  const { [key]: payload, ...rest } = value as Record<string, unknown>;
  return { meta: pack([2, rest, key]), payload: payload as Uint8Array };
}

function pack(record: readonly unknown[]): Uint8Array {
  let meta: Uint8Array;
  try {
    meta = packr.pack(record);
  } catch (cause) {
    throw new EdgeFlowError('VALUE_INVALID', `a value cannot be published: ${errorMessage(cause)}; expected plain data`, { cause });
  }
  if (meta.length > maxMetaBytes)
    throw new EdgeFlowError(
      'MESSAGE_TOO_LARGE',
      `the small parts of a value take ${meta.length} bytes; expected at most ${maxMetaBytes}: put large data into one Uint8Array property`,
    );
  return meta;
}

/**
 * Puts a value together again. The bytes may come from anybody: what they build is plain data, and bounded by their
 * length.
 *
 * @throws EdgeFlowError `MESSAGE_CORRUPT` for bytes that {@link encodeValue} did not write.
 */
export function decodeValue({ meta, payload }: Encoded): unknown {
  const record = unpack(meta);
  if (Array.isArray(record)) {
    const [form, body, key] = record as unknown[];
    if (form === 0 && record.length === 2) return body;
    if (form === 1 && record.length === 1) return payload;
    if (form === 2 && record.length === 3 && typeof key === 'string' && !forbiddenKeys.has(key) && isObject(body))
      return { ...body, [key]: payload };
  }
  throw new EdgeFlowError('MESSAGE_CORRUPT', 'a message cannot be read: it was not written by EdgeFlow’s codec');
}

function unpack(meta: Uint8Array): unknown {
  if (meta.length > maxMetaBytes)
    throw new EdgeFlowError(
      'MESSAGE_CORRUPT',
      `a message cannot be read: its small parts take ${meta.length} bytes; expected at most ${maxMetaBytes}`,
    );
  checkMessagePack(meta);
  try {
    return packr.unpack(meta);
  } catch (cause) {
    throw new EdgeFlowError('MESSAGE_CORRUPT', `a message cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
