import { errorMessage } from '../errors.js';
import type { Shown } from './shown.js';
import type { Encoder } from './encoder.js';
import type { PictureWidth } from './jpeg.js';
import { showValue } from './values.js';
import type { RawPicture } from './values.js';
import type { LiveItem, Overlay } from './wire.js';

/** Cameras that one topic may carry; those that were silent for longest are forgotten. */
const maxSources = 64;
/** Nobody has looked for this long: the topic is read no more. */
const idleMs = 5_000;
const retryMs = 1_000;
/** Values are small, and those of many cameras may come by one topic: they are read on, no faster than this. */
const valueMs = 20;

/** The newest message of one source of a topic. */
export interface Latest {
  readonly item: Omit<LiveItem, 'overlays' | 'bytes'>;
  readonly overlay: Overlay | undefined;
  /** The picture as JPEG; encoded once, however many browsers ask. Undefined where it is no picture. */
  readonly jpeg: ((width: PictureWidth) => Promise<Uint8Array>) | undefined;
}

/**
 * Reads the newest messages of one topic while somebody looks, and pictures no sooner than the last was asked for: the topic's
 * own consumers are not slowed, and a browser that is slow reads less.
 */
export class TopicWatch {
  readonly #latest = new Map<string, Latest>();
  readonly #end = new AbortController();
  readonly #encoder: Encoder;
  readonly #onNews: () => void;
  readonly #onEnd: () => void;
  #lastLook = performance.now();
  #wanted: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(running: Shown, topic: string, encoder: Encoder, onNews: () => void, onEnd: () => void) {
    this.#encoder = encoder;
    this.#onNews = onNews;
    this.#onEnd = onEnd;
    void this.#read(running, topic);
    this.#rest();
  }

  get latest(): ReadonlyMap<string, Latest> {
    return this.#latest;
  }

  /** Somebody wants the next message. */
  look(): void {
    this.#lastLook = performance.now();
    this.#wanted?.();
    this.#wanted = undefined;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#end.abort();
    this.#wanted?.();
    this.#onEnd();
  }

  #rest(): void {
    this.#timer = setTimeout(() => {
      if (performance.now() - this.#lastLook >= idleMs) this.close();
      else this.#rest();
    }, idleMs).unref();
  }

  #untilWanted(): Promise<void> {
    return new Promise((resolve) => {
      this.#wanted = resolve;
    });
  }

  async #read(running: Shown, topic: string): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        for await (const message of running.watch(topic, { signal })) {
          const { picture, overlay, source, text } = showValue(message);
          const { seq, id, time } = message;
          this.#latest.delete(source);
          this.#latest.set(source, {
            item: {
              topic,
              source,
              seq,
              id,
              time,
              index: picture?.index ?? overlay?.index,
              width: picture?.width ?? 0,
              height: picture?.height ?? 0,
              text: picture ? undefined : text,
            },
            overlay: overlay && { ...overlay, topic },
            jpeg: picture && once(picture, this.#encoder),
          });
          const [oldest] = this.#latest.keys();
          if (oldest !== undefined && this.#latest.size > maxSources) this.#latest.delete(oldest);
          this.#onNews();
          if (picture) await this.#untilWanted();
          else await new Promise((resolve) => setTimeout(resolve, valueMs));
        }
        return;
      } catch (error) {
        if (this.#end.signal.aborted) return;
        this.#latest.set('', failed(topic, errorMessage(error)));
        this.#onNews();
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }
}

function failed(topic: string, text: string): Latest {
  const item = { topic, source: '', seq: 0, id: '', time: Date.now(), index: undefined, width: 0, height: 0, text };
  return { item, overlay: undefined, jpeg: undefined };
}

function once(picture: RawPicture, encoder: Encoder): (width: PictureWidth) => Promise<Uint8Array> {
  const encoded = new Map<PictureWidth, Promise<Uint8Array>>();
  return (width) => {
    const known = encoded.get(width);
    if (known) return known;
    const jpeg = encoder.encode(picture, width);
    encoded.set(width, jpeg);
    return jpeg;
  };
}
