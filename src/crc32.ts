import { createRequire } from 'node:module';
import { crc32 as ofShort } from 'node:zlib';
import type * as CrcAddOn from '@node-rs/crc32';

type Crc32 = (bytes: Uint8Array, before: number) => number;

/** From here on the add-on is worth its memory: it takes a third of zlib's time for a frame. */
const longBytes = 16 * 1024;

let ofLong: Crc32 | undefined;

/** Not sooner than it is needed: it takes 6 MB, and processes that see no frame need none of it. */
function loadAddOn(): Crc32 {
  try {
    return (createRequire(import.meta.url)('@node-rs/crc32') as typeof CrcAddOn).crc32;
  } catch {
    // Made for no such processor or system; zlib finds the same number.
    return ofShort;
  }
}

/**
 * CRC-32 (ISO 3309).
 *
 * @param before that of the bytes that stand before these
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  // Of no bytes zlib may be given a null pointer, and then begins anew.
  if (bytes.length === 0) return before;
  if (bytes.length < longBytes) return ofShort(bytes, before);
  ofLong ??= loadAddOn();
  return ofLong(bytes, before);
}
