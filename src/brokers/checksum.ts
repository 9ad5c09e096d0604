import { crc32 as shortCrc32 } from 'node:zlib';
import { crc32 as longCrc32 } from '@node-rs/crc32';
import type { OutgoingMessage } from '../message.js';

/** Stands where no checksum was taken. */
export const noChecksum = 0;

/** Of fewer bytes than these, zlib is sooner done: its call is the cheaper one. */
const longBytes = 256;

/**
 * CRC-32 (ISO 3309) of a message's bytes, meta first; never {@link noChecksum}. Finds bits that flipped and bytes that are
 * missing; it is no protection against somebody who wants to deceive.
 */
export function checksum({ meta, payload }: Pick<OutgoingMessage, 'meta' | 'payload'>): number {
  return crc32(payload, crc32(meta, 0)) || 1;
}

function crc32(bytes: Uint8Array, before: number): number {
  // Of no bytes zlib may be given a null pointer, and then begins anew.
  if (bytes.length === 0) return before;
  return bytes.length < longBytes ? shortCrc32(bytes, before) : longCrc32(bytes, before);
}

/** Whether a message's bytes are those that were published; true where no checksum was taken. */
export function isIntact(message: Pick<OutgoingMessage, 'meta' | 'payload'>, expected: number): boolean {
  return expected === noChecksum || checksum(message) === expected;
}
