import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage, hasCode } from '../../../errors.js';
import { asFull } from '../space.js';
import { controlTables, readRow } from '../tables.js';
import type { Environment, Table, Tables } from '../tables.js';
import type { Transactions } from '../transactions.js';
import { writeCheckpoint } from './checkpoint.js';
import { completeRecord, positionKey, positionRecord, recordHeadBytes, segmentHeaderBytes, startPosition } from './format.js';
import type { Position } from './format.js';
import { Recorder } from './recorder.js';
import { SegmentFile } from './segmentFile.js';

const defaultSegmentBytes = 16 * 1024 * 1024;
/** The journal may be so many times as long as what a checkpoint writes. */
const journalFactor = 2;
const tryAgainMs = 1_000;
const sayAgainMs = 10_000;

/** What a transaction left in the journal. */
export interface Mark {
  /** Its number. */
  readonly number: number;
  /** A checkpoint must hold this transaction before it counts: the journal lacks it. 0 where it lacks none. */
  readonly hole: number;
}

/** What a journal works on. */
export interface JournalOptions {
  readonly directory: string;
  readonly control: Environment;
  readonly transactions: Transactions;
  /** The table that survives a reset. */
  readonly store: Table;
  readonly segmentBytes?: number;
}

/**
 * Makes the transactions of an environment outlast the power, though the environment itself does not: what each changed is
 * appended to a file, and one sync of that is shared by all that came before it, of whichever process. After a reboot
 * `recovery.ts` makes the environment anew from the last checkpoint and the journal behind it.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #segmentBytes: number;
  readonly #recorder = new Recorder();
  /** Aborted when nothing is tried again. */
  readonly #ending = new AbortController();
  #file: SegmentFile | undefined;
  /** Numbers of the last transaction that this process knows of, and of the last that it knows to be on the disk. */
  #appended = 0;
  #synced = 0;
  /** How many transactions were aborted: what a sync was good for then is not known. */
  #aborted = 0;
  /** The last transaction that a checkpoint is known to hold. */
  #base = 0;
  /** The sync that runs, with the last transaction that it is good for; and the one after it. */
  #running: { readonly upTo: number; readonly done: Promise<void> } | undefined;
  #next: Promise<void> | undefined;
  /** Why a sync failed, until all is written anew. */
  #failed: Error | undefined;
  #checkpointing: Promise<void> | undefined;
  #long = false;
  #saidAt = -Infinity;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes;
  }

  /** Tables whose changes the journal notes. What clients say of themselves is nothing after a reboot. */
  watch(tables: Tables): Tables {
    const watched = controlTables
      .filter((name) => name !== 'sessions')
      .map((name) => [name, this.#recorder.watch(tables[name as keyof Tables], controlTables.indexOf(name))] as const);
    const all = { ...tables, ...Object.fromEntries(watched) };
    return { ...all, spare: all.failures };
  }

  /** A transaction begins. */
  begin(): void {
    this.#recorder.begin();
  }

  /** The transaction ends: notes what it changed. */
  append(): Mark {
    const position = this.#load();
    const { record } = this.#recorder;
    if (record) this.#write(position, record);
    else if (position.offset > 0) this.#use(position.segment);
    this.#appended = Math.max(this.#appended, position.number);
    this.#base = Math.max(this.#base, position.base);
    return { number: position.number, hole: position.hole > this.#base ? position.hole : 0 };
  }

  /** The transaction was not committed: another one takes its number, and its place. */
  abort(): void {
    this.#aborted++;
    this.#appended = this.#synced = 0;
    if (this.#running) this.#running = { ...this.#running, upTo: 0 };
    try {
      this.#options.transactions.run(() => {
        const { segment, offset } = this.#load();
        if (offset > 0 && offset + recordHeadBytes <= this.#segmentBytes) this.#use(segment).write(Buffer.alloc(recordHeadBytes), offset);
      });
    } catch {
      // On a full disk it does not hold the record either, or not for long.
    }
  }

  /** Lets the disk begin with what was appended, while the transaction is being committed. */
  hurry({ number }: Mark): void {
    // Whoever waits for it finds out how it went.
    if (!this.#running && number > this.#synced) this.#startSync().catch(() => undefined);
  }

  /**
   * Resolves when the disk has a transaction, and all before it. Where the disk fails or is full, it says so and goes on trying:
   * the transaction stands.
   *
   * @param whole - whether to wait also where the journal lacks some. An ack does not: its message would come again.
   * @throws the error of the disk, once the journal is to end
   */
  async reached({ number, hole }: Mark, whole: boolean): Promise<void> {
    for (let needed = whole ? hole : 0; ;) {
      try {
        if (this.#failed) throw this.#failed;
        if (number > Math.max(this.#synced, this.#base)) await this.#sync(number);
        while (needed > this.#base) await this.checkpoint();
        return;
      } catch (error) {
        if (this.#ending.signal.aborted) throw error;
        this.#say(error);
        // What a sync failed for is not tried again by the next one: all must be written anew.
        needed = Math.max(needed, number, this.#pause());
      }
      await sleep(tryAgainMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
    }
  }

  /** Whether it has become so long that a checkpoint is due. */
  get long(): boolean {
    return this.#long;
  }

  /** Writes all tables to a file of their own, and deletes what the journal held up to there. */
  checkpoint(): Promise<void> {
    this.#long = false;
    this.#checkpointing ??= this.#makeCheckpoint().finally(() => {
      this.#checkpointing = undefined;
    });
    return this.#checkpointing;
  }

  /** From now on, who waits for a disk that fails is told so. */
  end(): void {
    this.#ending.abort();
  }

  async close(): Promise<void> {
    this.end();
    await Promise.allSettled([this.#running?.done, this.#next, this.#checkpointing]);
    this.#file?.close();
  }

  #write(position: Position, record: Buffer): void {
    const { number, checksum } = position;
    position.number++;
    if (position.paused === 0) {
      try {
        const fits = position.offset > 0 && position.offset + record.length <= this.#segmentBytes;
        const file = fits ? this.#use(position.segment) : this.#begin(position, number);
        position.checksum = completeRecord(record, position.number, checksum);
        file.write(record, position.offset);
        position.offset += record.length;
      } catch (error) {
        if (!hasCode(asFull(error, this.#options.directory), 'BROKER_FULL')) throw error;
        position.paused = 1;
      }
    }
    if (position.paused === 1) position.hole = position.number;
    this.#save(position);
  }

  /** Begins a new segment behind a transaction; the segment before is on the disk then. */
  #begin(position: Position, number: number): SegmentFile {
    if (position.offset > 0) this.#use(position.segment).syncNow();
    const header = { segment: position.segment + 1, number, checksum: position.checksum };
    const file = SegmentFile.create(this.#options.directory, header);
    this.#file?.close();
    this.#file = file;
    position.segment++;
    position.offset = segmentHeaderBytes;
    const written = (position.segment - position.baseSegment) * this.#segmentBytes;
    const { lastPage, pageSize } = this.#options.transactions;
    this.#long = written >= Math.max(this.#segmentBytes, journalFactor * lastPage * pageSize);
    return file;
  }

  #use(segment: number): SegmentFile {
    if (this.#file?.segment !== segment) {
      const file = SegmentFile.open(this.#options.directory, segment);
      this.#file?.close();
      this.#file = file;
    }
    return this.#file;
  }

  /** One sync at a time; those that are asked for meanwhile are the next one. */
  #sync(number: number): Promise<void> {
    if (!this.#running) return this.#startSync();
    const { upTo, done } = this.#running;
    if (upTo >= number) return done;
    const start = (): Promise<void> => {
      this.#next = undefined;
      return this.#startSync();
    };
    this.#next ??= done.then(start, start);
    return this.#next;
  }

  async #startSync(): Promise<void> {
    const [upTo, aborted] = [this.#appended, this.#aborted];
    const done = this.#file?.sync() ?? Promise.resolve();
    this.#running = { upTo, done };
    try {
      await done;
      if (aborted === this.#aborted) this.#synced = Math.max(this.#synced, upTo);
    } catch (error) {
      this.#failed = error as Error;
      throw error;
    } finally {
      this.#running = undefined;
    }
  }

  async #makeCheckpoint(): Promise<void> {
    const { directory, control, transactions } = this.#options;
    // From here on the journal follows what the checkpoint will hold.
    transactions.run(() => {
      const position = this.#load();
      if (position.paused === 0) return;
      this.#begin(position, position.number);
      position.paused = 0;
      this.#save(position);
    });
    const { number, segment } = await writeCheckpoint(directory, control);
    transactions.run(() => {
      const position = this.#load();
      if (position.base >= number) return;
      [position.base, position.baseSegment] = [number, segment];
      this.#save(position);
    });
    this.#base = Math.max(this.#base, number);
  }

  /** @returns the last transaction, which a checkpoint must hold then; 0 where the disk does not even take that. */
  #pause(): number {
    try {
      const number = this.#options.transactions.run(() => {
        const position = this.#load();
        if (position.paused === 0) this.#save({ ...position, paused: 1, hole: position.number });
        return position.number;
      });
      this.#failed = undefined;
      return number;
    } catch {
      return 0;
    }
  }

  #load(): Position {
    const stored = readRow(this.#options.store, positionKey);
    return stored ? positionRecord.decode(stored) : { ...startPosition };
  }

  #save(position: Position): void {
    this.#options.store.putSync(positionKey, positionRecord.encode(position));
  }

  #say(error: unknown): void {
    const now = performance.now();
    if (now - this.#saidAt < sayAgainMs) return;
    this.#saidAt = now;
    const { directory } = this.#options;
    process.emitWarning(
      `the disk of the embedded store in '${directory}' does not take what is published: ${errorMessage(error)}. Waiting until it does`,
      {
        code: 'EDGEFLOW_BROKER_WAITS',
      },
    );
  }
}
