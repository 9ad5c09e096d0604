import type { ServerResponse } from 'node:http';
import { errorMessage } from '../errors.js';
import type { Sampler } from './sampler.js';

const everyMs = 1_000;
/** A browser that has taken nothing for this long is let go. */
const stuckMs = 30_000;
const maxStreams = 32;

/**
 * Sends a snapshot a second to each browser that listens, as server-sent events. One sample serves all. A browser whose
 * socket has not taken the last one is passed over, and gets the newest when it has.
 */
export class EventStream {
  readonly #sampler: Pick<Sampler, 'sample'>;
  readonly #now: () => number;
  /** Each response, and since when its socket takes nothing. */
  readonly #clients = new Map<ServerResponse, number | undefined>();
  #last: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sampling = false;

  /** @param now - milliseconds of a clock that only goes forward. */
  constructor(sampler: Pick<Sampler, 'sample'>, now: () => number = () => performance.now()) {
    this.#sampler = sampler;
    this.#now = now;
  }

  get isFull(): boolean {
    return this.#clients.size >= maxStreams;
  }

  add(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    response.write('retry: 1000\n\n');
    this.#clients.set(response, undefined);
    response.on('close', () => {
      this.#clients.delete(response);
      if (this.#clients.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
        this.#last = undefined;
      }
    });
    if (this.#last !== undefined) response.write(this.#last);
    else void this.#tick();
    this.#timer ??= setInterval(() => void this.#tick(), everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const response of this.#clients.keys()) response.end('event: end\ndata: {}\n\n');
  }

  async #tick(): Promise<void> {
    if (this.#sampling) return;
    this.#sampling = true;
    try {
      this.#last = `event: state\ndata: ${JSON.stringify(await this.#sampler.sample())}\n\n`;
    } catch (error) {
      // The broker is away, or the system is ending: the page says so, and goes on with what it has.
      this.#last = `event: trouble\ndata: ${JSON.stringify({ message: errorMessage(error) })}\n\n`;
    } finally {
      this.#sampling = false;
    }
    const now = this.#now();
    for (const [response, since] of this.#clients) {
      if (!response.writableNeedDrain) {
        this.#clients.set(response, undefined);
        response.write(this.#last);
      } else if (since === undefined) this.#clients.set(response, now);
      else if (now - since > stuckMs) response.destroy();
    }
  }
}
