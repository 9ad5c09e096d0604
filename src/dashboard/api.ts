import type { IncomingMessage, ServerResponse } from 'node:http';
import { EdgeFlowError } from '../errors.js';
import { health } from '../observe/health.js';
import { metricsContentType, metricsText } from '../observe/metrics.js';
import { EventStream } from './eventStream.js';
import { countOf, readJson, Refusal, send, sendJson, textOf } from './http.js';
import { pictureWidths, toJpeg } from './jpeg.js';
import { listLetters, pictureOfLetter } from './letters.js';
import { Live } from './live.js';
import { runsHere } from './shown.js';
import type { Shown } from './shown.js';
import { Sampler } from './sampler.js';
import { find } from './find.js';
import { nodeActions } from './wire.js';
import type { NodeAction } from './wire.js';

const maxBodyBytes = 64 * 1024;
const maxTopics = 64;
const maxLetters = 1_000;
/** Browsers that wait for pictures at a time. */
const maxLive = 64;

/** What the page asks of a running system. Everything of a request is checked here, however it came. */
export class Api {
  readonly #running: Shown;
  readonly #control: boolean;
  readonly #events: EventStream;
  readonly #sampler: Sampler;
  readonly #live: Live;
  #looking = 0;

  constructor(running: Shown, control: boolean) {
    this.#running = running;
    this.#control = control;
    this.#sampler = new Sampler(running, control);
    this.#events = new EventStream(new Sampler(running, control));
    this.#live = new Live(running);
  }

  close(): void {
    this.#events.close();
    this.#live.close();
  }

  /**
   * What a service manager asks: says whether the system does well, and no more. Needs no token.
   *
   * @returns false for other paths.
   */
  async getHealth(path: string, response: ServerResponse): Promise<boolean> {
    if (path !== '/healthz' && path !== '/readyz') return false;
    const { alive, ready } = health(this.#running);
    const well = path === '/healthz' ? alive : ready;
    send(response, well ? 200 : 503, 'text/plain; charset=utf-8', well ? 'ok\n' : 'not ok\n');
    return true;
  }

  /** @throws Refusal 400, 404, 405, 503 */
  async get(path: string, query: URLSearchParams, response: ServerResponse): Promise<void> {
    switch (path) {
      case '/metrics':
        send(response, 200, metricsContentType, await metricsText(this.#running));
        return;
      case '/api/events':
        if (this.#events.isFull) throw new Refusal(503, 'too many browsers look already', 10);
        this.#events.add(response);
        return;
      case '/api/state':
        sendJson(response, await this.#sampler.sample());
        return;
      case '/api/live':
        await this.#sendLive(query, response);
        return;
      case '/api/find':
        sendJson(response, await find(this.#running, textOf(query.get('q'), 'q')));
        return;
      case '/api/traces':
        sendJson(response, runsHere(this.#running) ? this.#running.traces({ limit: 20 }) : []);
        return;
      case '/api/dead':
        sendJson(response, await listLetters(this.#running, this.#topic(query.get('topic')), countOf(query.get('after') ?? '0', 'after')));
        return;
      case '/api/dead/picture': {
        const picture = await pictureOfLetter(this.#running, this.#topic(query.get('topic')), countOf(query.get('letter'), 'letter'));
        if (!picture) throw new Refusal(404, 'there is no such picture');
        send(response, 200, 'image/jpeg', await toJpeg(picture, 640));
        return;
      }
      default:
        throw new Refusal(404, 'there is nothing of this name');
    }
  }

  /** @throws Refusal 400, 403, 404, 413, 415, 501 */
  async post(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path !== '/api/nodes' && path !== '/api/dead/redrive' && path !== '/api/dead/drop')
      throw new Refusal(404, 'there is nothing of this name');
    if (!this.#control) throw new Refusal(403, 'this dashboard only shows; start it with control to act');
    const body = await readJson(request, maxBodyBytes);
    if (path === '/api/nodes') {
      await this.#act(body);
      sendJson(response, {});
      return;
    }
    const topic = this.#topic(body.topic);
    const { letters } = body;
    if (!Array.isArray(letters) || letters.length === 0 || letters.length > maxLetters)
      throw new Refusal(400, `'letters': expected a list of 1 to ${maxLetters} numbers`);
    const numbers = letters.map((letter) => countOf(letter, 'letters'));
    const count = path === '/api/dead/redrive' ? this.#running.redrive(topic, numbers) : this.#running.dropDeadLetters(topic, numbers);
    sendJson(response, { count: await count });
  }

  async #act({ node, action }: Readonly<Record<string, unknown>>): Promise<void> {
    const name = textOf(node, 'node');
    if (!this.#running.graph().nodes.some((known) => known.name === name)) throw new Refusal(404, 'there is no such node');
    if (!nodeActions.includes(action as NodeAction)) throw new Refusal(400, `'action': expected one of ${nodeActions.join(', ')}`);
    const running = this.#running;
    if (!runsHere(running)) throw new Refusal(501, 'this page looks at the system from outside; its nodes obey the process that runs it');
    try {
      await running[action as NodeAction](name);
    } catch (error) {
      if (error instanceof EdgeFlowError) throw new Refusal(409, `${error.code}: ${error.message}`);
      throw error;
    }
  }

  /** Answers with a length, heads as JSON of that length, and the JPEGs one behind the other. */
  async #sendLive(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const wanted = textOf(query.get('want'), 'want', 16_384).split(',');
    if (wanted.length > maxTopics) throw new Refusal(400, `'want': expected at most ${maxTopics} topics`);
    const seen = new Map(
      wanted.map((entry): [string, number] => {
        const at = entry.lastIndexOf(':');
        return [this.#topic(entry.slice(0, at)), countOf(entry.slice(at + 1), 'want')];
      }),
    );
    const width = pictureWidths.find((known) => String(known) === (query.get('width') ?? '640'));
    if (width === undefined) throw new Refusal(400, `'width': expected one of ${pictureWidths.join(', ')}`);
    if (this.#looking >= maxLive) throw new Refusal(503, 'too many browsers look already', 10);
    const gone = new AbortController();
    response.on('close', () => {
      gone.abort();
    });
    this.#looking++;
    try {
      const { items, jpegs } = await this.#live.next(seen, width, gone.signal);
      const head = Buffer.from(JSON.stringify(items));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(head.length);
      send(response, 200, 'application/octet-stream', Buffer.concat([length, head, ...jpegs]));
    } finally {
      this.#looking--;
    }
  }

  #topic(value: unknown): string {
    const topic = textOf(value, 'topic');
    if (!this.#running.graph().nodes.some(({ name, topic: publishes }) => name === topic && publishes))
      throw new Refusal(404, 'there is no such topic');
    return topic;
  }
}
