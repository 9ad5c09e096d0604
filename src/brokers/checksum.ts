import { crc32 } from '../crc32.js';
import type { OutgoingMessage } from '../message.js';

/** Stands where no checksum was taken. */
export const noChecksum = 0;

/**
 * CRC-32 (ISO 3309) of a message's bytes, meta first; never {@link noChecksum}. Finds bits that flipped and bytes that are
 * missing; it is no protection against somebody who wants to deceive.
 */
export function checksum({ meta, payload }: Pick<OutgoingMessage, 'meta' | 'payload'>): number {
  return crc32(payload, crc32(meta)) || 1;
}

/** Whether a message's bytes are those that were published; true where no checksum was taken. */
export function isIntact(message: Pick<OutgoingMessage, 'meta' | 'payload'>, expected: number): boolean {
  return expected === noChecksum || checksum(message) === expected;
}
