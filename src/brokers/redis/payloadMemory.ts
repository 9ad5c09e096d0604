/** How much memory is kept for what comes next. */
const keptBytes = 32 * 1024 * 1024;
/** Where a payload begins in its memory: numbers of any kind can be looked at in place. */
const alignment = 64;

/**
 * The memory of large replies. What is given back is used again: fresh memory for a frame costs more than to copy one, in
 * page faults and garbage collections.
 */
export class PayloadMemory {
  /** What this made; anything else that is given back is not its own. */
  readonly #own = new WeakSet<ArrayBufferLike>();
  #free: ArrayBufferLike[] = [];
  #freeBytes = 0;

  /** Memory of so many bytes, of which those from `start` on are aligned. */
  take(bytes: number, start: number): Buffer {
    const before = (alignment - (start % alignment)) % alignment;
    const wanted = before + bytes;
    // Frames of one camera are of one size; what is much too large for a payload would be kept by it.
    const found = this.#free.findIndex(({ byteLength }) => byteLength >= wanted && byteLength <= wanted + wanted / 8);
    const [memory = Buffer.allocUnsafeSlow(wanted).buffer] = found < 0 ? [] : this.#free.splice(found, 1);
    if (found >= 0) this.#freeBytes -= memory.byteLength;
    this.#own.add(memory);
    return Buffer.from(memory, before, bytes);
  }

  /** Takes the memory of a payload back that nobody looks at any more. */
  giveBack({ buffer }: Uint8Array): void {
    if (!this.#own.delete(buffer)) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.byteLength;
    while (this.#freeBytes > keptBytes) this.#freeBytes -= this.#free.shift()?.byteLength ?? 0;
  }
}

/** The payloads that a consumer reads in place. */
export class Loans {
  readonly #memory: PayloadMemory;
  /** By seq. A message that comes again does so with another token, and another payload. */
  readonly #lent = new Map<number, { readonly token: number; readonly payload: Uint8Array }>();

  constructor(memory: PayloadMemory) {
    this.#memory = memory;
  }

  lend(seq: number, token: number, payload: Uint8Array): void {
    this.#lent.set(seq, { token, payload });
  }

  /** The payload is not looked at any more. */
  end(seq: number, token: number): void {
    const lent = this.#lent.get(seq);
    if (lent?.token !== token) return;
    this.#lent.delete(seq);
    this.#memory.giveBack(lent.payload);
  }

  /** It is not known when the payload is not looked at any more: its memory is not used again. */
  forget(seq: number): void {
    this.#lent.delete(seq);
  }

  forgetAll(): void {
    this.#lent.clear();
  }
}
