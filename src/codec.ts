import { createRequire } from 'node:module';
import type * as MessagePack from 'msgpackr';
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

// The CommonJS form is one file, and takes 0.8 MB less than the other.
const { Packr } = createRequire(import.meta.url)('msgpackr') as typeof MessagePack;

/**
 * Plain records only. That forbids little: msgpackr reads every extension type that it knows, and writes a Float32Array
 * over memory that it did not clear. So values are checked before it writes, and bytes before it reads.
 */
export const packr = new Packr({ useRecords: false, mapsAsObjects: true, moreTypes: false, structuredClone: false });

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
 * @param traceparent - W3C trace context that travels with it.
 */
export function encodeValue(value: unknown, traceparent?: string): Encoded {
  checkPlain(value);
  const trace = traceparent === undefined ? [] : [traceparent];
  if (value instanceof Uint8Array) return { meta: pack([1, ...trace]), payload: value };
  const key = payloadKey(value);
  if (key === undefined) return { meta: pack([0, value, ...trace]), payload: noPayload };
  const { [key]: payload, ...rest } = value as Record<string, unknown>;
  return { meta: pack([2, rest, key, ...trace]), payload: payload as Uint8Array };
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
    const length = record.length - (typeof traceOf(record) === 'string' ? 1 : 0);
    if (form === 0 && length === 2) return body;
    if (form === 1 && length === 1) return payload;
    if (form === 2 && length === 3 && typeof key === 'string' && !forbiddenKeys.has(key) && isObject(body))
      return { ...body, [key]: payload };
  }
  throw new EdgeFlowError('MESSAGE_CORRUPT', 'a message cannot be read: it was not written by EdgeFlow’s codec');
}

/** How many parts a record has before its trace context, by its form. */
const partsOf: readonly number[] = [2, 1, 3];

/** The trace context of a record, where there is one. */
function traceOf(record: readonly unknown[]): unknown {
  return record[partsOf[Number(record[0])] ?? record.length];
}

/**
 * The W3C trace context that travels with a value; undefined where there is none.
 *
 * @throws EdgeFlowError `MESSAGE_CORRUPT`
 */
export function traceparentOf(meta: Uint8Array): string | undefined {
  const record = unpack(meta);
  const found = Array.isArray(record) ? traceOf(record) : undefined;
  return typeof found === 'string' ? found : undefined;
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
