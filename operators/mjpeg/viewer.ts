import type { ServerResponse } from 'node:http';
import type { Frame } from '../frame.js';

const boundary = 'edgeflow-frame';

/** One who watches a stream of pictures; he gets the newest whenever he has taken the last. */
export class Viewer {
  readonly #response: ServerResponse;
  #busy = false;
  #next: Frame | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { 'content-type': `multipart/x-mixed-replace; boundary=${boundary}` });
    // Until the first picture comes, so that a viewer knows that he is in the right place.
    response.flushHeaders();
    response.on('drain', () => {
      this.#busy = false;
      const next = this.#next;
      this.#next = undefined;
      if (next) this.show(next);
    });
  }

  show(frame: Frame): void {
    if (this.#busy) {
      this.#next = frame;
      return;
    }
    const seconds = (frame.time / 1000).toFixed(3);
    const head = `--${boundary}\r\nContent-Type: image/jpeg\r\nContent-Length: ${frame.data.length}\r\nX-Timestamp: ${seconds}\r\n\r\n`;
    // Corked, so that a picture leaves in one go; what is said of the last part holds for all.
    this.#response.cork();
    this.#response.write(head);
    this.#response.write(frame.data);
    this.#busy = !this.#response.write('\r\n');
    this.#response.uncork();
  }

  /** Sends the newest picture, and goodbye. */
  end(): void {
    this.#busy = false;
    if (this.#next) this.show(this.#next);
    this.#response.end(`--${boundary}--\r\n`);
  }
}
