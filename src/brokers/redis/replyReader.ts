import type { OnReadOpts } from 'node:net';
import type { PayloadMemory } from './payloadMemory.js';

/** Replies of at most so many bytes, and parts of them, are read here first. */
const areaBytes = 64 * 1024;
/** More than the largest payload, with the line before it. */
const mostBytes = 1024 * 1024 * 1024;
const newline = 10;
const dollar = 36;
const none = Buffer.alloc(0);

/**
 * Reads the replies of a Redis such that a large one comes as one Buffer, into which the system wrote it. By the way of
 * ioredis it would come in parts of 64 KiB that are copied together in the end.
 */
export class ReplyReader implements OnReadOpts {
  readonly #memory: PayloadMemory;
  readonly #give: (bytes: Buffer) => void;
  readonly #fail: (error: Error) => void;
  readonly #area = Buffer.allocUnsafeSlow(areaBytes);
  /** Bytes at the start of the area that no line or string ends in yet. */
  #waiting = 0;
  /** The large string that is being read, with its first line and its end. */
  #large: Buffer | undefined;
  #filled = 0;

  /**
   * @param give - takes what came, in order; a large string whole; nothing where only a part of it came, as a sign of life.
   * @param fail - is told of bytes that no Redis sends.
   */
  constructor(memory: PayloadMemory, give: (bytes: Buffer) => void, fail: (error: Error) => void) {
    this.#memory = memory;
    this.#give = give;
    this.#fail = fail;
  }

  /** Where the next bytes go. */
  readonly buffer = (): Buffer => this.#large?.subarray(this.#filled) ?? this.#area.subarray(this.#waiting);

  /** Takes note that so many bytes came. */
  readonly callback = (count: number): boolean => {
    if (this.#large) this.#fill(this.#large, count);
    else this.#look(this.#waiting + count);
    return true;
  };

  #fill(large: Buffer, count: number): void {
    this.#filled += count;
    if (this.#filled < large.length) {
      this.#give(none);
      return;
    }
    this.#large = undefined;
    this.#give(large);
  }

  /** Goes through lines and strings, however they are nested: up to the first that has not come wholly. */
  #look(end: number): void {
    const area = this.#area.subarray(0, end);
    let at = 0;
    while (at < end) {
      const lineEnd = area.indexOf(newline, at) + 1;
      if (lineEnd === 0) break;
      const length = area[at] === dollar ? Number(area.toString('latin1', at + 1, lineEnd - 2)) : -1;
      if (!(length < mostBytes)) {
        this.#fail(new Error(`a reply of ${length} bytes; expected less than ${mostBytes}`));
        return;
      }
      const next = length < 0 ? lineEnd : lineEnd + length + 2;
      if (next - at > areaBytes) {
        this.#begin(area.subarray(at), next - at, lineEnd - at);
        break;
      }
      if (next > end) break;
      at = next;
    }
    // A copy: what is given may be kept, and the area is read into again.
    const whole = Buffer.from(area.subarray(0, at));
    this.#waiting = this.#large ? 0 : end - at;
    area.copyWithin(0, at, at + this.#waiting);
    this.#give(whole);
    if (this.#waiting === areaBytes) this.#fail(new Error(`a line of more than ${areaBytes} bytes in a reply`));
  }

  #begin(start: Buffer, bytes: number, lineBytes: number): void {
    this.#large = this.#memory.take(bytes, lineBytes);
    this.#filled = start.copy(this.#large);
  }
}
