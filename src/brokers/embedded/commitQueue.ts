import { EdgeFlowError, hasCode } from '../../errors.js';
import type { OutgoingMessage } from '../../message.js';
import type { Acknowledgement, Commit, CommitResult, Publication, PushReceipt } from '../broker.js';
import { checksum } from '../checksum.js';
import { onAbort } from '../onAbort.js';
import { messageBytes } from '../options.js';
import { nextTurn, overdueTurn } from '../overdueTurn.js';
import { neededBytes } from './change.js';
import type { Change } from './change.js';
import { applyStep, endsUnpublished, isLarge } from './commitStep.js';
import type { Outcome, Output, Step } from './commitStep.js';
import { encodeEntries } from './entry.js';
import { Gate } from './gate.js';
import type { Logs } from './gate.js';
import { cramped } from './space.js';
import type { Store } from './store.js';

/** Nobody rings when another program has made room on the file system. */
const lookForRoomMs = 1_000;

interface Waiting extends Step {
  readonly signal: AbortSignal | undefined;
  readonly resolve: (outcome: Outcome) => void;
  /** An aborted call rejects with the signal's reason, which need not be an Error. */
  readonly reject: (reason: unknown) => void;
}

/** What is tried in one round. */
interface Round {
  readonly batch: readonly Waiting[];
  /** Those with payloads that must be written first. */
  readonly large: readonly Output[];
  /** Whether there is more that could be tried at once. */
  readonly more: boolean;
}

/** What a transaction came to. */
interface Applied {
  readonly outcomes: readonly (Outcome | EdgeFlowError | undefined)[];
  readonly full: ReadonlySet<string>;
}

const noAcks: readonly Acknowledgement[] = [];
const batchSteps = 1_024;
const batchBytes = 8 * 1024 * 1024;

/** What a queue gets from its broker. */
export interface CommitQueueOptions {
  readonly store: Store;
  readonly dedupeWindow: number;
  /** Aborted, with the error for those who still wait, when the broker is closed. */
  readonly closing: AbortSignal;
}

/**
 * Commits and pushes of one client, in their order for each topic: payloads first, then tickets and entries in one
 * transaction, then the bells.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  /** Topics whose messages need no checksum, as the last transactions found them. */
  readonly #ungrouped = new Set<string>();
  #waiting: Waiting[] = [];
  #running = false;
  /** Topics that the last round found full, and somebody waits for. */
  #full = new Set<string>();
  /** Whether somebody arrived or gave up since the last round began. */
  #stirred = false;
  #wake: (() => void) | undefined;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  push(topic: string, message: OutgoingMessage, signal: AbortSignal | undefined): Promise<PushReceipt> {
    return new Promise((resolve, reject) => {
      const published = ({ receipts }: Outcome): void => {
        for (const receipt of receipts) resolve(receipt);
      };
      this.#add({ acks: noAcks, outputs: [outputOf({ topic, message })], signal, resolve: published, reject });
    });
  }

  commit({ acks, messages }: Commit, signal: AbortSignal | undefined): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      const settled = ({ fenced }: Outcome): void => {
        resolve({ committed: fenced.length === 0, fenced });
      };
      this.#add({ acks, outputs: messages.map(outputOf), signal, resolve: settled, reject });
    });
  }

  #add(step: Waiting): void {
    this.#waiting.push(step.signal ? this.#abortable(step, step.signal) : step);
    this.#stir();
    if (this.#running) return;
    this.#running = true;
    // Those of one tick go together.
    void Promise.resolve().then(() => this.#run());
  }

  #abortable({ acks, outputs, resolve, reject }: Waiting, signal: AbortSignal): Waiting {
    const forget = onAbort(signal, () => {
      this.#stir();
    });
    return {
      acks,
      outputs,
      signal,
      resolve: (outcome) => {
        forget();
        resolve(outcome);
      },
      reject: (reason) => {
        forget();
        reject(reason);
      },
    };
  }

  #stir(): void {
    this.#stirred = true;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    const { bells } = this.#options.store;
    for (let first = true; this.#waiting.length > 0; first = false) {
      // What comes while others are on the way is seldom alone: the rest of this turn's comes along.
      const turn = first ? overdueTurn() : nextTurn();
      if (turn) await turn;
      const heard = new Map([...this.#full].map((topic) => [topic, bells.heard(topic, ['space'])]));
      this.#stirred = false;
      const more = await this.#round().catch((error: unknown) => {
        // The store cannot be looked at.
        for (const step of this.#waiting.splice(0)) step.reject(error);
        return false;
      });
      // Only a stroke after one that was counted, on a watch that was begun, before the last look is not missed.
      const watching = [...this.#full].filter((topic) => !bells.watch(topic, ['space']) && heard.has(topic));
      if (more || this.#full.size === 0 || watching.length < this.#full.size) continue;
      await this.#stroke(heard);
    }
    this.#full.clear();
    this.#running = false;
  }

  /** Waits for room in one of the full topics, or for a stir. */
  async #stroke(heard: ReadonlyMap<string, number>): Promise<void> {
    if (this.#stirred) return;
    const { store, closing } = this.#options;
    const woken = new AbortController();
    this.#wake = () => {
      woken.abort();
    };
    const strokes = [...this.#full].map((topic) =>
      store.bells.wait(topic, ['space'], lookForRoomMs, heard.get(topic) ?? 0, [closing, woken.signal]),
    );
    await Promise.race(strokes);
    this.#wake = undefined;
    // The other waits have timers.
    woken.abort();
  }

  /** @returns whether there is more that could be tried at once. */
  async #round(): Promise<boolean> {
    const { store, closing } = this.#options;
    const noRoom = !closing.aborted && store.cramped ? cramped(store.directory) : undefined;
    const { batch, large, more } = this.#take(noRoom);
    if (batch.length === 0) return more;
    try {
      this.#takeChecksums(batch, large);
      let refused = await this.#writePayloads(large);
      while (refused && (await this.#giveWay(large))) refused = await this.#writePayloads(large);
      encodeOutputs(batch);
      const lasting = batch.some(({ outputs }) => outputs.length > 0) ? 'now' : 'soon';
      const { outcomes, full } = await store.change((change) => this.#apply(change, batch, refused ?? noRoom), lasting);
      for (const topic of full) this.#full.add(topic);
      this.#settle(batch, outcomes);
    } catch (error) {
      // What a closed store keeps is for the sweep.
      if (!closing.aborted) this.#takeBack(batch);
      this.#fail(batch, error);
    }
    return more;
  }

  #apply(change: Change, batch: readonly Waiting[], noRoom: EdgeFlowError | undefined): Applied {
    const { store, dedupeWindow } = this.#options;
    const gate = new Gate({
      logs: (topic) => change.log(topic),
      room: () => store.format.maxBytes - change.bytes + change.spareBytes,
      noRoom,
    });
    const context = { change, gate, payloads: store.payloads, dedupeWindow, ungrouped: this.#ungrouped };
    return { outcomes: batch.map((step) => applyStep(context, step)), full: gate.full };
  }

  /** The next steps that go together; those whose wait was aborted end here, those that must wait for room stay. */
  #take(noRoom: EdgeFlowError | undefined): Round {
    const { store } = this.#options;
    const next = this.#waiting.slice(0, batchSteps);
    // Where nothing waits and no payload might be written in vain, the transaction finds out by itself. A topic without a group
    // is never full.
    const inVain = (output: Output): boolean => isLarge(output) && !this.#ungrouped.has(output.topic);
    if (this.#full.size === 0 && !next.some(({ outputs }) => outputs.some(inVain))) return this.#pick(undefined);
    return store.view((tables, log) => {
      const found = new Map<string, ReturnType<Logs>>();
      const logs: Logs = (topic) => {
        if (!found.has(topic)) found.set(topic, log(topic));
        return found.get(topic);
      };
      const room = store.format.maxBytes - neededBytes(tables);
      return this.#pick({ logs, gate: new Gate({ logs, room: () => room, noRoom }) });
    });
  }

  #pick(look: { readonly logs: Logs; readonly gate: Gate } | undefined): Round {
    const { closing } = this.#options;
    const [batch, held, large]: [Waiting[], Waiting[], Output[]] = [[], [], []];
    let bytes = 0;
    let seen = 0;
    for (const step of this.#waiting) {
      const more = step.outputs.reduce((sum, { message }) => sum + messageBytes(message), 0);
      if (batch.length >= batchSteps || (bytes > 0 && bytes + more > batchBytes)) break;
      seen++;
      if (closing.aborted) step.reject(closing.reason);
      else if (step.signal?.aborted) step.reject(step.signal.reason);
      else if (look && !endsUnpublished(step, look.logs) && look.gate.check(step.outputs) === false) held.push(step);
      else {
        batch.push(step);
        bytes += more;
        large.push(...(look ? willBeStored(look.gate, step) : step.outputs).filter(isLarge));
      }
    }
    const more = seen < this.#waiting.length;
    this.#waiting = [...held, ...this.#waiting.slice(seen)];
    this.#full = new Set(look?.gate.full);
    return { batch, large, more };
  }

  /** Only where somebody will ask for them: a frame of 1080p takes half a millisecond. */
  #takeChecksums(batch: readonly Waiting[], large: readonly Output[]): void {
    const take = (output: Output): void => {
      if (!this.#ungrouped.has(output.topic)) output.checksum ??= checksum(output.message);
    };
    for (const { outputs } of batch) for (const output of outputs) if (!isLarge(output)) take(output);
    large.forEach(take);
  }

  /** @returns the error of a file system without room. */
  async #writePayloads(outputs: readonly Output[]): Promise<EdgeFlowError | undefined> {
    const { store } = this.#options;
    if (outputs.length === 0) return undefined;
    try {
      const keys = await store.payloads.write(outputs.map(({ message }) => message.payload));
      outputs.forEach((output, index) => (output.payloadKey = keys[index]));
      return undefined;
    } catch (error) {
      if (error instanceof EdgeFlowError && hasCode(error, 'BROKER_FULL')) return error;
      throw error;
    }
  }

  /** Frees room on a full file system of what nobody needs; returns whether there was any. */
  #giveWay(outputs: readonly Output[]): Promise<boolean> {
    const bytes = outputs.reduce((sum, { message }) => sum + message.payload.length, 0);
    return this.#options.store.change((change) => change.spareBytes > 0 && change.giveWay(bytes));
  }

  #settle(batch: readonly Waiting[], outcomes: Applied['outcomes']): void {
    const { closing } = this.#options;
    const again: Waiting[] = [];
    const undone: Waiting[] = [];
    for (const [index, step] of batch.entries()) {
      const outcome = outcomes[index];
      if (!outcome || outcome instanceof EdgeFlowError || outcome.fenced.length > 0) undone.push(step);
      if (outcome instanceof EdgeFlowError) step.reject(outcome);
      else if (outcome) step.resolve(outcome);
      else again.push(step);
    }
    if (!closing.aborted) this.#takeBack(undone);
    this.#putBack(again);
  }

  /** A transaction failed: where there was no room for it, those wait whose topics do not reject. */
  #fail(batch: readonly Waiting[], error: unknown): void {
    const { store, closing } = this.#options;
    const waits = ({ outputs }: Step): boolean =>
      hasCode(error, 'BROKER_FULL') &&
      outputs.length > 0 &&
      store.view((_, log) => outputs.every(({ topic }) => log(topic)?.onFull !== 'reject'));
    const again = closing.aborted ? [] : batch.filter(waits);
    for (const step of batch) {
      if (!again.includes(step)) step.reject(closing.aborted ? closing.reason : error);
    }
    for (const { outputs } of again) if (outputs[0]) this.#full.add(outputs[0].topic);
    this.#putBack(again);
  }

  /** In front: what was held meanwhile publishes to other topics, or came later. */
  #putBack(steps: readonly Waiting[]): void {
    if (steps.length > 0) this.#waiting = [...steps, ...this.#waiting];
  }

  /** Payloads of what did not happen: no sweep may find them without an entry. */
  #takeBack(steps: readonly Step[]): void {
    const written: Buffer[] = [];
    for (const { outputs } of steps) {
      for (const output of outputs) {
        if (output.payloadKey) written.push(output.payloadKey);
        output.payloadKey = undefined;
      }
    }
    this.#options.store.free(written);
  }
}

function outputOf({ topic, message }: Publication): Output {
  return { topic, message, payloadKey: undefined, checksum: undefined, entry: undefined };
}

function encodeOutputs(batch: readonly Step[]): void {
  // A large payload that was not written belongs to a message that will not be stored now.
  const outputs = batch.flatMap((step) => step.outputs.filter((output) => output.payloadKey ?? !isLarge(output)));
  const entries = encodeEntries(outputs);
  outputs.forEach((output, index) => (output.entry = entries[index]));
}

/** What of a step a transaction will store; counted at the gate. */
function willBeStored(gate: Gate, { outputs }: Step): Output[] {
  return outputs.filter(({ topic, message }) => {
    if (gate.isFull(topic) || gate.knows(topic, message)) return false;
    gate.spend(topic, message);
    return true;
  });
}
