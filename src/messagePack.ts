import { isUtf8 } from 'node:buffer';
import { EdgeFlowError } from './errors.js';
import { forbiddenKeys, maxDepth } from './plainData.js';

/** `undefined`, as msgpackr writes it: an extension of type 0. */
const undefinedValue = [0xd4, 0x00, 0x00] as const;

const forbidden = [...forbiddenKeys];

/** Bytes of a number, by its token from 0xca on: two floats, then unsigned and signed integers. */
const numberBytes = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8] as const;

/** For each depth, how many items are still to come there, keys included, and whether they are those of an object. */
const left = new Int32Array(maxDepth + 2);
const isMap = new Uint8Array(maxDepth + 2);

/**
 * Walks through MessagePack without building anything, and refuses what a decoder must not see: lengths beyond the end
 * (an allocation made for them would be), depth, keys that are not text or reach for a prototype, and extension types,
 * all but the one that stands for `undefined`. Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * The outermost list is the codec's own and does not count as depth of the value.
 *
 * @throws EdgeFlowError `MESSAGE_CORRUPT`
 */
export function checkMessagePack(bytes: Uint8Array): void {
  const end = bytes.length;
  let at = 0;
  let depth = 0;
  left[0] = 1;
  isMap[0] = 0;

  /** A length of `size` bytes, in the head of what comes. */
  const length = (size: number): number => {
    if (size > end - at) throw corrupt('it ends within a length');
    let value = 0;
    for (const last = at + size; at < last; at++) value = value * 256 + (bytes[at] ?? 0);
    return value;
  };
  const skip = (count: number): void => {
    if (count > end - at) throw corrupt('it is shorter than it says');
    at += count;
  };
  const open = (count: number, map: boolean): void => {
    const items = map ? count * 2 : count;
    // An item has one byte at least.
    if (items > end - at) throw corrupt('it has fewer items than it says');
    if (++depth > maxDepth + 1) throw corrupt(`its lists and objects lie more than ${maxDepth} deep in each other`);
    left[depth] = items;
    isMap[depth] = map ? 1 : 0;
  };

  for (;;) {
    const items = left[depth] ?? 0;
    if (items === 0) {
      if (depth-- > 0) continue;
      if (at !== end) throw corrupt(`${end - at} bytes follow its end`);
      return;
    }
    left[depth] = items - 1;
    const isKey = isMap[depth] === 1 && items % 2 === 0;
    const token = length(1);
    const textLength = token >= 0xa0 && token <= 0xbf ? token & 0x1f : token >= 0xd9 && token <= 0xdb ? length(1 << (token - 0xd9)) : -1;
    if (textLength >= 0) {
      skip(textLength);
      if (isKey) checkKey(bytes, at - textLength, at);
    } else if (isKey) throw corrupt('a key is not text');
    else if (token < 0x80 || token >= 0xe0) continue;
    else if (token < 0x90) open(token & 0x0f, true);
    else if (token < 0xa0) open(token & 0x0f, false);
    else if (token === 0xc0 || token === 0xc2 || token === 0xc3) continue;
    else if (token >= 0xc4 && token <= 0xc6) skip(length(1 << (token - 0xc4)));
    else if (token >= 0xca && token <= 0xd3) skip(numberBytes[token - 0xca] ?? 0);
    else if (token === 0xdc || token === 0xdd) open(length(token === 0xdc ? 2 : 4), false);
    else if (token === 0xde || token === 0xdf) open(length(token === 0xde ? 2 : 4), true);
    else if (token === undefinedValue[0] && bytes[at] === undefinedValue[1] && bytes[at + 1] === undefinedValue[2]) at += 2;
    else throw corrupt('there is something in it that is not plain data');
  }
}

function checkKey(bytes: Uint8Array, start: number, end: number): void {
  let ascii = true;
  for (let at = start; at < end; at++) ascii &&= (bytes[at] ?? 0) < 0x80;
  // Of the lengthy spellings that lenient decoders take for a letter, none may pass by.
  if (!ascii && !isUtf8(bytes.subarray(start, end))) throw corrupt('a key is not text');
  if (!forbidden.some(({ length }) => length === end - start)) return;
  const key = Buffer.from(bytes.subarray(start, end)).toString();
  if (forbiddenKeys.has(key)) throw corrupt(`it has a key '${key}'`);
}

function corrupt(found: string): EdgeFlowError {
  return new EdgeFlowError('MESSAGE_CORRUPT', `a message cannot be read: ${found}`);
}
