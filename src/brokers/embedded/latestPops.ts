import type { LatestMessage, PopLatestRequest } from '../broker.js';
import { checkTake } from '../options.js';
import { overdueTurn } from '../overdueTurn.js';
import type { Change } from './change.js';
import { monotonicMs } from './clock.js';
import { withReader } from './declared.js';
import { OwnHolds } from './ownHolds.js';
import type { Client } from './ownSession.js';
import { Quiet, knownNow } from './quiet.js';
import type { Store } from './store.js';

/** How often, of each topic, a client looks for holds of those who died. */
const reapEveryMs = 1_000;

/** How a client takes the newest message for its readers, and holds what they look at. */
export class LatestPops {
  readonly #client: Client;
  readonly #holds = new OwnHolds();
  /** Messages for a reader that could not be used since the last that could. */
  readonly #gone = new Map<string, number>();
  readonly #nextReap = new Map<string, number>();
  readonly #quiet = new Quiet();

  constructor(client: Client) {
    this.#client = client;
  }

  async popLatest(topic: string, request: PopLatestRequest): Promise<LatestMessage | undefined> {
    const { reader, waitMs, signal, inPlace = false } = request;
    checkTake(topic, { waitMs });
    const turn = overdueTurn();
    if (turn) await turn;
    const end = monotonicMs() + waitMs;
    let rung = false;
    for (;;) {
      const store = this.#client.use();
      const heard = store.bells.heard(topic, ['news']);
      const message = rung || this.#hasNewer(store, topic, reader, heard) ? await this.#take(store, topic, reader, inPlace) : undefined;
      const now = monotonicMs();
      if (message || now >= end || signal?.aborted) return message;
      if (store.bells.watch(topic, ['news'])) continue;
      await store.bells.wait(topic, ['news'], end - now, heard, [signal, this.#client.closing]);
      // Then there is most likely one: it is taken without a look before.
      rung = store.bells.heard(topic, ['news']) !== heard;
    }
  }

  letGo(topic: string, reader: string, seqs: readonly number[]): void {
    this.#holds.letGo(topic, reader, seqs);
  }

  /** Lets go of all, at the end. */
  letAllGo(change: Change): void {
    for (const { topic, reader, seq } of this.#holds.all()) change.log(topic)?.letGo(reader, this.#client.session.number, seq);
  }

  /** Forgets what is held: the store was emptied. */
  clear(): void {
    this.#holds.clear();
  }

  #hasNewer(store: Store, topic: string, reader: string, heard: number): boolean {
    const key = `${topic}/${reader}`;
    const known = knownNow(store, topic, ['news'], heard);
    const now = monotonicMs();
    if (known && this.#quiet.until(key, known, now) !== undefined) return false;
    const newer = store.view((_, log) => withReader(log(topic), topic, reader).hasNewer(reader));
    if (known && !newer) this.#quiet.note(key, known, now, Infinity);
    return newer;
  }

  async #take(store: Store, topic: string, reader: string, inPlace: boolean): Promise<LatestMessage | undefined> {
    const { session } = this.#client;
    const over = this.#holds.over(topic, reader);
    const message = await store.change((change) => {
      const log = withReader(change.log(topic), topic, reader);
      for (const seq of over) log.letGo(reader, session.number, seq);
      const now = monotonicMs();
      if (now >= (this.#nextReap.get(topic) ?? 0)) {
        log.reapHolds(now);
        this.#nextReap.set(topic, now + reapEveryMs);
      }
      const latest = log.popLatest(reader, session.number);
      // Who holds says that it lives.
      if (latest?.entry.payloadKey && !session.beats) session.live(change);
      return latest;
    }, 'sometime');
    this.#holds.ended(topic, reader, over);
    if (!message) return undefined;
    const { seq, entry, skipped } = message;
    const payload = store.payloadOf(entry, inPlace);
    if (entry.payloadKey) this.#holds.taken(topic, reader, seq, inPlace && payload !== undefined);
    const gone = this.#gone.get(`${topic}/${reader}`) ?? 0;
    if (payload) {
      if (gone > 0) this.#gone.delete(`${topic}/${reader}`);
      return { id: entry.id, time: entry.time, meta: entry.meta, payload, seq, skipped, gone };
    }
    // Only damage from outside does this. The next newer message comes.
    await store.change((change) => change.log(topic)?.passOver(reader), 'sometime');
    this.#gone.set(`${topic}/${reader}`, gone + 1);
    return undefined;
  }
}
