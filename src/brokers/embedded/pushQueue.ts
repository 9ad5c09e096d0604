import { EdgeFlowError, hasCode } from '../../errors.js';
import type { OutgoingMessage } from '../../message.js';
import type { PushReceipt } from '../broker.js';
import { checksum, noChecksum } from '../checksum.js';
import { defaultMaxBytes, messageBytes, topicFull } from '../options.js';
import type { Change } from './change.js';
import { inlineBytes } from './entry.js';
import type { Store } from './store.js';
import type { StoredLog } from './storedLog.js';

interface Push {
  readonly message: OutgoingMessage;
  readonly signal: AbortSignal | undefined;
  /** Where the payload was put, when it is too large for the entry. */
  payloadKey: Buffer | undefined;
  checksum: number;
  resolve(receipt: PushReceipt): void;
  reject(error: unknown): void;
}

/** How far a batch came. */
interface Progress {
  readonly receipts: readonly PushReceipt[];
  /** Whether the first push without a receipt was refused for want of room. */
  readonly full: boolean;
  readonly rejects: boolean;
  readonly maxBytes: number;
}

const batchMessages = 1_024;
const batchBytes = 8 * 1024 * 1024;

/** What a queue gets from its broker. */
export interface PushQueueOptions {
  readonly store: Store;
  readonly topic: string;
  readonly dedupeWindow: number;
  /** Aborted, with the error for those who still wait, when the broker is closed. */
  readonly closing: AbortSignal;
}

/** The pushes of one client to one topic, in their order: payloads first, then the entries, then the bell. */
export class PushQueue {
  readonly #options: PushQueueOptions;
  #waiting: Push[] = [];
  #running = false;

  constructor(options: PushQueueOptions) {
    this.#options = options;
  }

  push(message: OutgoingMessage, signal: AbortSignal | undefined): Promise<PushReceipt> {
    return new Promise((resolve, reject) => {
      const { store, topic } = this.#options;
      const nudge = (): void => {
        store.bells.nudge(topic, 'space');
      };
      // An aborted push rejects with the signal's reason, which need not be an Error.
      const fail: (reason: unknown) => void = reject;
      const settled = (): void => signal?.removeEventListener('abort', nudge);
      signal?.addEventListener('abort', nudge);
      this.#waiting.push({
        message,
        signal,
        payloadKey: undefined,
        checksum: noChecksum,
        resolve: (receipt) => {
          settled();
          resolve(receipt);
        },
        reject: (error) => {
          settled();
          fail(error);
        },
      });
      if (this.#running) return;
      this.#running = true;
      // Pushes of one tick go together.
      void Promise.resolve().then(() => this.#run());
    });
  }

  async #run(): Promise<void> {
    const { store, topic, closing } = this.#options;
    while (this.#waiting.length > 0) {
      const heard = store.bells.heard(topic, ['space']);
      const batch = this.#take();
      if (batch.length === 0) continue;
      const full = await this.#publish(batch);
      if (!full) continue;
      // Only a watch that was begun before the last look misses nothing.
      if (store.bells.watch(topic, ['space'])) continue;
      await store.bells.wait(topic, ['space'], Infinity, heard, [closing]);
    }
    this.#running = false;
  }

  /** The next pushes that go together; those whose wait was aborted end here. */
  #take(): Push[] {
    const { closing } = this.#options;
    const batch: Push[] = [];
    let bytes = 0;
    let taken = 0;
    for (const push of this.#waiting) {
      const more = messageBytes(push.message);
      if (batch.length >= batchMessages || (bytes > 0 && bytes + more > batchBytes)) break;
      taken++;
      if (closing.aborted) push.reject(closing.reason);
      else if (push.signal?.aborted) push.reject(push.signal.reason);
      else {
        batch.push(push);
        bytes += more;
      }
    }
    this.#waiting.splice(0, taken);
    return batch;
  }

  /** @returns whether the rest of the batch, back in the queue, waits for room. */
  async #publish(batch: readonly Push[]): Promise<boolean> {
    const { store, topic, closing } = this.#options;
    let progress: Progress;
    try {
      progress = await this.#store(batch);
    } catch (error) {
      if (!closing.aborted) this.#takeBack(batch);
      const waits = !closing.aborted && hasCode(error, 'BROKER_FULL') && !store.view((_, log) => log(topic)?.onFull === 'reject');
      if (waits) this.#waiting.unshift(...batch);
      else for (const push of batch) push.reject(error);
      return waits;
    }
    const { receipts, full, rejects, maxBytes } = progress;
    receipts.forEach((receipt, index) => batch[index]?.resolve(receipt));
    const rest = batch.slice(receipts.length);
    if (rest.length === 0) return false;
    if (closing.aborted) {
      for (const push of rest) push.reject(closing.reason);
      return false;
    }
    this.#takeBack(rest);
    if (full && rejects) for (const push of rest) push.reject(topicFull(topic, maxBytes));
    else this.#waiting.unshift(...rest);
    return full && !rejects;
  }

  async #store(batch: readonly Push[]): Promise<Progress> {
    const { store, topic, dedupeWindow } = this.#options;
    if (store.cramped) throw cramped(store.directory);
    let tried = batch;
    for (const push of batch) if (!isLarge(push)) push.checksum = checksum(push.message);
    if (batch.some(isLarge)) {
      const look = store.view((_, log) => this.#look(batch, log(topic)));
      tried = look.tried;
      if (tried.length === 0) return { receipts: [], full: true, rejects: look.rejects, maxBytes: look.maxBytes };
      // Outside the transaction, whose lock all processes share; and only where a group will ask for it: 2 ms for 1080p.
      for (const push of look.fresh) push.checksum = look.hasGroups ? checksum(push.message) : noChecksum;
      await this.#writePayloads(look.fresh);
    }
    return store.change((change) => {
      const log = change.logOrNew(topic, dedupeWindow);
      const receipts: PushReceipt[] = [];
      let full = false;
      for (const push of tried) {
        full = (log.full || (log.hasGroups && change.bytes >= store.format.maxBytes)) && log.known(push.message.id) === undefined;
        const receipt = full ? undefined : this.#insert(change, log, push);
        if (!receipt) break;
        receipts.push(receipt);
      }
      return { receipts, full, rejects: log.onFull === 'reject', maxBytes: log.maxBytes };
    });
  }

  /** What there is room for, and what of it has payloads to be written. */
  #look(
    batch: readonly Push[],
    log: StoredLog | undefined,
  ): Omit<Progress, 'receipts' | 'full'> & { readonly tried: Push[]; readonly fresh: Push[]; readonly hasGroups: boolean } {
    let room = log?.room ?? Infinity;
    const tried: Push[] = [];
    const fresh: Push[] = [];
    for (const push of batch) {
      const known = log?.known(push.message.id) !== undefined;
      if (room <= 0 && !known) break;
      tried.push(push);
      if (known) continue;
      room -= messageBytes(push.message);
      if (isLarge(push)) fresh.push(push);
    }
    return {
      tried,
      fresh,
      hasGroups: log?.hasGroups ?? false,
      rejects: log?.onFull === 'reject',
      maxBytes: log?.maxBytes ?? defaultMaxBytes,
    };
  }

  async #writePayloads(pushes: readonly Push[]): Promise<void> {
    const { store } = this.#options;
    if (pushes.length === 0) return;
    const keys = await store.payloads.write(
      pushes.map(({ message }) => message.payload),
      store.synced,
    );
    pushes.forEach((push, index) => (push.payloadKey = keys[index]));
  }

  /** @returns undefined when the payload must be written once more. */
  #insert(change: Change, log: StoredLog, push: Push): PushReceipt | undefined {
    const { store, topic } = this.#options;
    const { message, payloadKey } = push;
    // Its id was known a moment ago and is not now, or this process slept while another one swept.
    if (payloadKey ? store.payloads.lost(payloadKey) : isLarge(push) && log.known(message.id) === undefined) return undefined;
    const receipt = log.push(message, payloadKey, push.checksum);
    if (!receipt.duplicate) change.ring(topic, 'news');
    return receipt;
  }

  /** Payloads of pushes that must wait are written again later: no sweep may find them without an entry. */
  #takeBack(pushes: readonly Push[]): void {
    const written = pushes.flatMap(({ payloadKey }) => payloadKey ?? []);
    for (const push of pushes) push.payloadKey = undefined;
    this.#options.store.payloads.remove(written);
  }
}

function isLarge({ message }: Push): boolean {
  return message.payload.length > inlineBytes;
}

/** The error for a file system without room. */
export function cramped(directory: string): EdgeFlowError {
  return new EdgeFlowError('BROKER_FULL', `the file system of '${directory}' is full: free some of it, or choose another directory`);
}
