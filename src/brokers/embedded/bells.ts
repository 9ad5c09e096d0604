import { closeSync, constants, mkdirSync, openSync, watch, writeSync } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import path from 'node:path';
import { errorMessage } from '../../errors.js';
import { checkName } from '../../topic.js';
import { onAbort } from '../onAbort.js';
import { deletedStore } from './directory.js';

/** `news`: something to take. `space`: something was settled. */
export type Bell = 'news' | 'space';

/** A bell that nobody heard is made up for by looking again after this time. */
const lookAgainMs = 5_000;
/** The same where the system gives no watches. */
const lookOftenMs = 20;
/** So often at most, however many wait: to look at a thousand topics takes time from those that have something. */
const looksPerMs = 1;

const stroke = Buffer.of(1);

interface OpenBell {
  readonly file: number;
  readonly listeners: Set<() => void>;
  watcher: FSWatcher | undefined;
  strokes: number;
}

/**
 * Wakes those who wait for a topic, in this process and in others: a small file a topic and bell, written to ring it and
 * watched by who waits.
 */
export class Bells {
  readonly #directory: string;
  readonly #bells = new Map<string, OpenBell>();
  #waits = 0;
  #closed = false;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** @throws Error where its file cannot be made or written, which takes room the first time; this process hears it all the same. */
  ring(topic: string, kind: Bell): void {
    if (this.#closed) return;
    const bell = this.#bell(topic, kind);
    hear(bell);
    writeSync(bell.file, stroke, 0, 1, 0);
  }

  /** Wakes those of this process only. */
  nudge(topic: string, kind: Bell): void {
    if (!this.#closed) hear(this.#bell(topic, kind));
  }

  /**
   * Begins to watch. Look after this, or a bell in between is missed.
   *
   * @returns whether a watch began.
   */
  watch(topic: string, kinds: readonly Bell[]): boolean {
    return !this.#closed && kinds.map((kind) => this.#watch(topic, kind)).includes(true);
  }

  /** Whether strokes of other processes are heard. */
  watched(topic: string, kinds: readonly Bell[]): boolean {
    return !this.#closed && kinds.every((kind) => this.#bell(topic, kind).watcher !== undefined);
  }

  /** How many strokes were heard; take it before you look, and show it to {@link wait}. */
  heard(topic: string, kinds: readonly Bell[]): number {
    return this.#closed ? 0 : kinds.reduce((sum, kind) => sum + this.#bell(topic, kind).strokes, 0);
  }

  /** Waits for a stroke after those that were heard, at most `ms`; ends earlier now and then, to look again. */
  wait(topic: string, kinds: readonly Bell[], ms: number, heard: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    if (this.#closed || this.heard(topic, kinds) !== heard || signals.some((signal) => signal?.aborted)) return Promise.resolve();
    const bells = kinds.map((kind) => this.#bell(topic, kind));
    const most = bells.every(({ watcher }) => watcher) ? Math.max(lookAgainMs, this.#waits / looksPerMs) : lookOftenMs;
    this.#waits++;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        for (const { listeners } of bells) listeners.delete(done);
        for (const forget of listening) forget();
        this.#waits--;
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, Math.min(Math.ceil(ms), most)));
      for (const { listeners } of bells) listeners.add(done);
      const listening = signals.map((signal) => onAbort(signal, done));
    });
  }

  /** Ends all waits: there is something else to see. */
  wakeAll(): void {
    for (const bell of this.#bells.values()) hear(bell);
  }

  close(): void {
    this.#closed = true;
    for (const bell of this.#bells.values()) {
      bell.watcher?.close();
      closeSync(bell.file);
      hear(bell);
    }
    this.#bells.clear();
  }

  #watch(topic: string, kind: Bell): boolean {
    const bell = this.#bell(topic, kind);
    if (bell.watcher) return false;
    try {
      bell.watcher = watch(this.#path(topic, kind), { persistent: false });
    } catch (error) {
      process.emitWarning(`waiting by looking every ${lookOftenMs} ms: ${errorMessage(error)}; raise fs.inotify.max_user_watches`, {
        code: 'EDGEFLOW_WATCH',
      });
      return false;
    }
    bell.watcher.on('change', () => {
      hear(bell);
    });
    bell.watcher.on('error', () => {
      // Looking again, more often, goes on without the watch.
      bell.watcher?.close();
      bell.watcher = undefined;
    });
    return true;
  }

  #bell(topic: string, kind: Bell): OpenBell {
    const name = `${topic}.${kind}`;
    let bell = this.#bells.get(name);
    if (!bell) {
      this.#bells.set(name, (bell = { file: this.#open(topic, kind), listeners: new Set(), watcher: undefined, strokes: 0 }));
    }
    return bell;
  }

  #open(topic: string, kind: Bell): number {
    try {
      return openSync(this.#path(topic, kind), constants.O_RDWR | constants.O_CREAT, 0o600);
    } catch (error) {
      // It would be made: the folder is gone.
      throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? deletedStore(path.dirname(this.#directory)) : error;
    }
  }

  /** The one place where a name becomes part of a path. */
  #path(topic: string, kind: Bell): string {
    checkName('topic', topic);
    return path.join(this.#directory, `${topic}.${kind}`);
  }
}

function hear(bell: OpenBell): void {
  bell.strokes++;
  for (const wake of [...bell.listeners]) wake();
}
