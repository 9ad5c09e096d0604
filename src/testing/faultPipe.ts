import type { Socket } from 'node:net';

/** What a proxied connection does to the bytes of one direction. */
export interface PipeRules {
  /** How long bytes are held back, in milliseconds. */
  delayMs(): number;
  /** Whether bytes, and the end of the connection, go no further. */
  stalled(): boolean;
  /** Told that `count` bytes are to pass: undefined to pass them, or how to cut the connection. */
  cut(count: number): Cut | undefined;
}

interface Cut {
  /** How many bytes still pass. */
  readonly bytes: number;
  /** Called when they have. */
  readonly then: () => void;
}

/** Bytes that one direction holds back before it stops reading, as a full network does. */
const mostHeldBytes = 4 * 1024 * 1024;

interface Held {
  readonly bytes: Buffer | undefined;
  readonly due: number;
}

/** One direction of a proxied connection: bytes in order, and the end of them after the last. */
export class FaultPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #rules: PipeRules;
  #held: Held[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(from: Socket, to: Socket, rules: PipeRules) {
    this.#from = from;
    this.#to = to;
    this.#rules = rules;
    from.on('data', (bytes: Buffer) => {
      this.#take(bytes);
    });
    from.once('end', () => {
      this.#take(undefined);
    });
    to.on('drain', () => {
      this.#flow();
    });
  }

  /** Forgets what is held back; nothing passes any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#held = [];
    this.#heldBytes = 0;
    this.#ended = true;
  }

  /** @param bytes - undefined for the end. */
  #take(bytes: Buffer | undefined): void {
    // Read and forgotten: who sends must not notice.
    if (this.#ended || this.#rules.stalled()) return;
    const last = this.#held.at(-1)?.due ?? 0;
    this.#held.push({ bytes, due: Math.max(last, performance.now() + this.#rules.delayMs()) });
    this.#heldBytes += bytes?.length ?? 0;
    this.#flow();
  }

  #flow(): void {
    if (this.#timer) return;
    if (this.#rules.stalled()) this.close();
    while (!this.#ended && !this.#to.writableNeedDrain) {
      const [next] = this.#held;
      if (!next) break;
      const wait = next.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          this.#flow();
        }, wait);
        break;
      }
      this.#held.shift();
      this.#heldBytes -= next.bytes?.length ?? 0;
      this.#pass(next.bytes);
    }
    if (this.#ended || this.#heldBytes < mostHeldBytes) this.#from.resume();
    else this.#from.pause();
  }

  #pass(bytes: Buffer | undefined): void {
    if (!bytes) {
      this.close();
      this.#to.end();
      return;
    }
    const cut = this.#rules.cut(bytes.length);
    if (!cut) {
      this.#to.write(bytes);
      return;
    }
    this.close();
    // A reset could overtake the bytes: those that may pass must arrive first.
    this.#to.end(bytes.subarray(0, cut.bytes), cut.then);
  }
}
