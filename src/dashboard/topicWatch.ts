import { errorMessage } from '../errors.js';
import type { ReceivedMessage } from '../message.js';
import type { Shown } from './shown.js';
import type { Encoder } from './encoder.js';
import type { PictureWidth } from './jpeg.js';
import { RecentOverlays } from './recentOverlays.js';
import { showValue } from './values.js';
import type { RawPicture } from './values.js';
import type { LiveItem } from './wire.js';

/** Cameras that one topic may carry; those that were silent for longest are forgotten. */
const maxSources = 64;
/** Nobody has looked for this long: the topic is read no more. */
const idleMs = 5_000;
const retryMs = 1_000;
/** Values are small, and those of many cameras may come by one topic: they are read on, no faster than this. */
const valueMs = 20;
/** Those of many cameras may come in one turn: so many are read besides the newest. */
const passedOver = maxSources - 1;

/** The newest message of one source of a topic. */
export interface Latest {
  readonly item: Omit<LiveItem, 'overlays' | 'bytes' | 'text'>;
  /** The value for people, where it is no picture. */
  readonly text: (() => string) | undefined;
  readonly overlays: RecentOverlays | undefined;
  /** The picture as JPEG; encoded once, however many browsers ask. Undefined where it is no picture. */
  readonly jpeg: ((width: PictureWidth) => Promise<Uint8Array>) | undefined;
}

/**
 * Reads the newest messages of one topic while somebody looks, and those with a payload no sooner than the last was asked for: the
 * topic's own consumers are not slowed, and a browser that is slow reads less.
 */
export class TopicWatch {
  readonly #latest = new Map<string, Latest>();
  readonly #end = new AbortController();
  readonly #encoder: Encoder;
  readonly #onNews: () => void;
  readonly #onEnd: () => void;
  #lastLook = performance.now();
  #wanted: (() => void) | undefined;
  #trouble: string | undefined;
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

  /** Why it cannot be read at this moment. */
  get trouble(): string | undefined {
    return this.#trouble;
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
        for await (const message of running.watch(topic, { signal, passedOver })) {
          this.#keep(topic, message);
          this.#trouble = undefined;
          if (!message.newest) continue;
          this.#onNews();
          if (message.payload.length > 0) await this.#untilWanted();
          else await new Promise((resolve) => setTimeout(resolve, valueMs));
        }
        return;
      } catch (error) {
        if (this.#end.signal.aborted) return;
        this.#trouble = errorMessage(error);
        this.#onNews();
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  /** Takes the place of the one before of its source. */
  #keep(topic: string, message: ReceivedMessage): void {
    const { picture, overlay, source, text } = showValue(message);
    const { seq, id, time } = message;
    const overlays = overlay ? (this.#latest.get(source)?.overlays ?? new RecentOverlays()) : undefined;
    if (overlay) overlays?.add({ ...overlay, topic }, time);
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
      },
      text: picture ? undefined : text,
      overlays,
      jpeg: picture && once(picture, this.#encoder),
    });
    const [oldest] = this.#latest.keys();
    if (oldest !== undefined && this.#latest.size > maxSources) this.#latest.delete(oldest);
  }
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
