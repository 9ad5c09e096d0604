import { crc32, deflateRawSync } from 'node:zlib';
import type { OutgoingMessage } from '../message.js';

// zlib looks for the processor's fast instructions when it first compresses, and its crc32 uses them only from then on: two
// thirds of the time.
deflateRawSync(Buffer.of(0));

/** Stands where no checksum was taken. */
export const noChecksum = 0;

/**
 * CRC-32 (ISO 3309) of a message's bytes, meta first; never {@link noChecksum}. Finds bits that flipped and bytes that are
 * missing; it is no protection against somebody who wants to deceive.
 */
export function checksum({ meta, payload }: Pick<OutgoingMessage, 'meta' | 'payload'>): number {
  const ofMeta = crc32(meta);
  // Of no bytes zlib may be given a null pointer, and then begins anew.
  return (payload.length === 0 ? ofMeta : crc32(payload, ofMeta)) || 1;
}

/** Whether a message's bytes are those that were published; true where no checksum was taken. */
export function isIntact(message: Pick<OutgoingMessage, 'meta' | 'payload'>, expected: number): boolean {
  return expected === noChecksum || checksum(message) === expected;
}
