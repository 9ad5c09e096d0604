import type { Readable } from 'node:stream';
import type { Picture, PictureCutter } from './cutPictures.js';

/**
 * Which pictures are handed out where they come faster than they are taken: `every` one, by not reading on, which holds
 * ffmpeg back through the pipe; or the `newest`, by reading on and replacing the one that waits.
 */
export type FeedPolicy = 'every' | 'newest';

/** The pictures of one run of ffmpeg, one at a time. */
export class PictureFeed {
  readonly #stream: Readable;
  readonly #policy: FeedPolicy;
  readonly #cutter: PictureCutter;
  #waiting: Picture[] = [];
  #passedOver = 0;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Readable, policy: FeedPolicy, cutter: PictureCutter) {
    this.#stream = stream;
    this.#policy = policy;
    this.#cutter = cutter;
    stream.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
    stream.once('error', (error) => {
      this.#end({ error });
    });
    stream.once('close', () => {
      this.#end();
    });
  }

  /** How many pictures were replaced by newer ones since this was last asked. */
  passedOver(): number {
    const count = this.#passedOver;
    this.#passedOver = 0;
    return count;
  }

  /**
   * The next picture; undefined when the stream has ended.
   *
   * @param timeoutMs - resolves to `'stalled'` when nothing came for so long. @defaultValue waits for ever
   */
  async take(timeoutMs?: number): Promise<Picture | 'stalled' | undefined> {
    if (this.#waiting.length === 0 && !this.#ended) await this.#change(timeoutMs);
    const picture = this.#waiting.shift();
    // One picture is read ahead while the last one is being worked on.
    if (this.#waiting.length === 0) this.#stream.resume();
    if (picture) return picture;
    if (this.#failure) throw this.#failure.error;
    return this.#ended ? undefined : 'stalled';
  }

  /** Resolves when there is a picture, when the stream has ended, or when the time is over. */
  async #change(timeoutMs: number | undefined): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
  }

  #read(chunk: Buffer): void {
    try {
      this.#cutter.push(chunk, (picture) => {
        this.#accept(picture);
      });
    } catch (error) {
      this.#end({ error });
      this.#stream.destroy();
    }
    if (this.#waiting.length === 0) return;
    if (this.#policy === 'every') this.#stream.pause();
    this.#wake?.();
  }

  #accept(picture: Picture): void {
    const older = this.#policy === 'newest' ? this.#waiting.pop() : undefined;
    if (older) {
      this.#passedOver++;
      this.#cutter.recycle(older);
    }
    this.#waiting.push(picture);
  }

  #end(failure?: { readonly error: unknown }): void {
    this.#failure ??= failure;
    this.#ended = true;
    this.#wake?.();
  }
}
