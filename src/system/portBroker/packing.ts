import type { OutgoingMessage } from '../../message.js';

/** From this size on, to hand a buffer over costs less than to have it copied on the way. */
const handOverBytes = 16 * 1024;

/** Readies messages for another thread. */
export class Packing {
  /** Buffers that are handed over: nobody can use them on this side any more. */
  readonly transfer: ArrayBuffer[] = [];
  readonly #exclusive: boolean;

  /** @param exclusive - nobody else has the messages: their own buffers may be handed over. */
  constructor(exclusive: boolean) {
    this.#exclusive = exclusive;
  }

  message<M extends Pick<OutgoingMessage, 'meta' | 'payload'>>(message: M): M {
    return { ...message, meta: this.#bytes(message.meta), payload: this.#bytes(message.payload) };
  }

  #bytes(bytes: Uint8Array): Uint8Array {
    const { buffer } = bytes;
    // A part of a larger buffer would take the whole of it along.
    const whole = buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength;
    const large = bytes.byteLength >= handOverBytes;
    const own = whole && (this.#exclusive || !large) ? bytes : new Uint8Array(bytes);
    if (large) this.transfer.push(own.buffer as ArrayBuffer);
    return own;
  }
}
