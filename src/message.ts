import { createHash, randomBytes } from 'node:crypto';

/** What a producer hands to a broker. */
export interface OutgoingMessage {
  /** Unique for ever. Publishing an id again, within the broker's dedupe window, adds nothing. */
  readonly id: string;
  /** When it was made, in milliseconds since the epoch. For people and for ages; never for order or leases. */
  readonly time: number;
  /** The value without its payload, as the codec wrote it. Small; travels on the control plane. */
  readonly meta: Uint8Array;
  /** The large bytes of the value, untouched; may be empty. Travels on the data plane. */
  readonly payload: Uint8Array;
}

/** A message as a broker hands it out. */
export interface ReceivedMessage extends OutgoingMessage {
  /** Position in its topic: 1, 2, 3 … without gaps, given by the broker when the message was published. */
  readonly seq: number;
}

/** The longest message id, in characters. */
export const maxMessageIdLength = 512;

/**
 * Makes ids that no other process, and no later run of this one, makes: 96 random bits drawn once, then a counter.
 */
export function messageIdSource(): () => string {
  const session = randomBytes(12).toString('base64url');
  let count = 0;
  return () => `${session}-${(count++).toString(36)}`;
}

/** An id made of a text, the same for the same text: short enough, however long that is. */
export function messageIdOf(text: string): string {
  return text.length <= maxMessageIdLength ? text : createHash('sha256').update(text).digest('base64url');
}
