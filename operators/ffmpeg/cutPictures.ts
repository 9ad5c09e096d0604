import { EdgeFlowError } from 'edgeflow';
import { maxFrameSide } from '../frame.js';

/** A picture that came through the pipe. `data` is nobody else's. */
export interface Picture {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  /** When its last byte came, by the cutter's clock. */
  readonly time: number;
}

const longestHeader = 32;
const newline = 0x0a;

/** Cuts a byte stream of binary PPM pictures (P6, 8 bit) into pictures, with one copy of each byte. */
export class PictureCutter {
  readonly #now: () => number;
  readonly #maxPixels: number;
  readonly #header = Buffer.alloc(longestHeader);
  #headerLength = 0;
  #headerLines = 0;
  #width = 0;
  #height = 0;
  #data: Buffer | undefined;
  #filled = 0;
  #spare: Buffer | undefined;

  /**
   * @param now - the clock of {@link Picture.time}.
   * @param maxPixels - larger pictures are refused before there is memory for them.
   */
  constructor(now: () => number, maxPixels: number) {
    this.#now = now;
    this.#maxPixels = maxPixels;
  }

  /** Whether the stream is in the middle of a picture. */
  get partial(): boolean {
    return this.#headerLength > 0 || this.#data !== undefined;
  }

  /** Gives back the bytes of a picture that nobody has seen, for the next one. */
  recycle(picture: Picture): void {
    this.#spare = picture.data;
  }

  /**
   * Takes the next bytes and hands out the pictures that they complete.
   *
   * @throws EdgeFlowError `SOURCE_FAILED` where the bytes are not PPM, or the pictures too large
   */
  push(chunk: Buffer, emit: (picture: Picture) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (!this.#data) {
        at = this.#readHeader(chunk, at);
        continue;
      }
      const copied = chunk.copy(this.#data, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < this.#data.length) continue;
      const picture = { data: this.#data, width: this.#width, height: this.#height, time: this.#now() };
      this.#data = undefined;
      emit(picture);
    }
  }

  #readHeader(chunk: Buffer, start: number): number {
    let at = start;
    while (at < chunk.length && this.#headerLength < longestHeader) {
      const byte = chunk[at++] ?? 0;
      this.#header[this.#headerLength++] = byte;
      if (byte === newline && ++this.#headerLines === 3) {
        this.#begin(this.#header.toString('latin1', 0, this.#headerLength));
        return at;
      }
    }
    if (this.#headerLength >= longestHeader) this.#begin('');
    return at;
  }

  #begin(header: string): void {
    const [, width, height] = /^P6\n(\d+) (\d+)\n255\n$/.exec(header)?.map(Number) ?? [];
    if (!width || !height) throw new EdgeFlowError('SOURCE_FAILED', 'camera: ffmpeg wrote something that is not a PPM picture');
    if (width > maxFrameSide || height > maxFrameSide || width * height > this.#maxPixels)
      throw new EdgeFlowError(
        'SOURCE_FAILED',
        `camera: pictures are ${width}x${height}; expected at most ${maxFrameSide} a side and ${this.#maxPixels} pixels. Set width or height to have them scaled down, or maxPixels to let them in`,
      );
    this.#width = width;
    this.#height = height;
    this.#headerLength = this.#headerLines = this.#filled = 0;
    const bytes = width * height * 3;
    // Large buffers are allocated on their own, small ones share a slab; neither is ever written again.
    this.#data = this.#spare?.length === bytes ? this.#spare : Buffer.allocUnsafe(bytes);
    this.#spare = undefined;
  }
}
