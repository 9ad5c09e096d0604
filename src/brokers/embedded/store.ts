import path from 'node:path';
import { EdgeFlowError, errorMessage, hasCode } from '../../errors.js';
import { Bells } from './bells.js';
import type { Bell } from './bells.js';
import { Change } from './change.js';
import { bootName } from './clock.js';
import {
  bellFolder,
  checkEnvironment,
  controlPath,
  dataFile,
  deletedStore,
  isJournaled,
  prepareDirectory,
  wrongFormat,
} from './directory.js';
import type { StoreFormat, StoreOptions } from './directory.js';
import { keepEnvironment, openEnvironment } from './environment.js';
import { Headroom } from './headroom.js';
import { Journal } from './journal/journal.js';
import type { Mark } from './journal/journal.js';
import { recover } from './journal/recovery.js';
import { ArenaPayloads } from './arenaPayloads.js';
import type { Payloads } from './payloads.js';
import { KnownMembers } from './members.js';
import { RowPayloads } from './rowPayloads.js';
import { RecentIds } from './recentIds.js';
import { Space, asFull, freeBytes, leastFreeBytes } from './space.js';
import type { Entry } from './entry.js';
import type { LogEffects } from './logEffects.js';
import { StoredLog } from './storedLog.js';
import { clearTables, controlTables, dataTables, openTables, readEntries, readRow } from './tables.js';
import type { Environment, Tables } from './tables.js';
import { Transactions } from './transactions.js';

/**
 * When the disk has a change, where the store outlives power: before it resolves; soon after, which an ack does with, for at worst
 * its message comes again; or at some time, for what a reboot undoes anyway.
 */
export type Lasting = 'now' | 'soon' | 'sometime';

interface Job {
  readonly lasting: Lasting;
  run(change: Change): void;
  resolve(): void;
  reject(error: unknown): void;
}

const bootKey = Buffer.from('boot');
/** Room in the map for each byte that may be stored: pages are partly empty, and large payloads need neighbours. */
const mapFactor = 4;
const leastMap = 256 * 1024 * 1024;
/** Nobody writes faster than that: to ask each time for the room that there is takes a tenth of a push. */
const mostBytesPerMs = 32 * 1024 * 1024;
const mostRoomyMs = 100;
const regularCheckMs = 10_000;
const soonMs = 50;

/** The two environments of one directory. All clients in a process share one. */
export class Store {
  static readonly #stores = new Map<string, Store>();

  readonly directory: string;
  readonly format: StoreFormat;
  readonly payloads: Payloads;
  readonly bells: Bells;
  readonly #control: Environment;
  readonly #data: Environment;
  readonly #tables: Tables;
  readonly #transactions: Transactions;
  readonly #space: Space | undefined;
  readonly #journal: Journal | undefined;
  readonly #headroom: Headroom;
  readonly #regularCheck: NodeJS.Timeout;
  readonly #recent = new Map<number, RecentIds>();
  readonly #members: KnownMembers;
  #roomyUntil = 0;
  #clients = 0;
  #lent = false;
  #deleted: EdgeFlowError | undefined;
  #jobs: Job[] = [];
  #draining: Promise<void> | undefined;
  /** Waits for the disk that are under way. */
  readonly #waits = new Set<Promise<void>>();
  /** What waits for the disk, but not at once. */
  #soon: { readonly freed: Uint8Array[]; mark: Mark; readonly timer: NodeJS.Timeout } | undefined;

  private constructor(options: StoreOptions) {
    const { directory } = options;
    this.directory = directory;
    this.format = prepareDirectory(options);
    const files = { control: controlPath(directory, this.format), data: path.join(directory, dataFile) };
    for (const file of Object.values(files)) checkEnvironment(directory, file);
    try {
      const journaled = isJournaled(this.format);
      const mapSize = Math.max(leastMap, this.format.maxBytes * mapFactor);
      const control = { path: files.control, tables: controlTables, mapSize, synced: this.#synced, writeMap: false };
      if (journaled) recover(directory, control);
      this.#control = openEnvironment(control);
      // Payloads are written straight into the map.
      const synced = this.format.durability === 'power';
      this.#data = openEnvironment({ path: files.data, tables: dataTables, mapSize, synced, writeMap: !synced });
      this.#transactions = new Transactions(this.#control, files.control);
      const tables = openTables(this.#control);
      if (journaled)
        this.#journal = new Journal({ directory, control: this.#control, transactions: this.#transactions, store: tables.store });
      this.#tables = this.#journal?.watch(tables) ?? tables;
      this.#members = new KnownMembers(tables);
      this.#headroom = new Headroom(this.#transactions);
      const data = new Transactions(this.#data, files.data);
      // At once, because reads do not look whether they are behind.
      data.run(() => undefined);
      // A written map needs its space made sure; without one, a full disk is an error of the write.
      this.#space = synced ? undefined : new Space(this.#data, data, files.data);
      this.payloads =
        this.#space && this.format.payloads === 'arenas'
          ? new ArenaPayloads(this.#data, data, this.#space)
          : new RowPayloads(this.#data, data, this.#space);
    } catch (cause) {
      const full = asFull(cause, directory);
      if (hasCode(cause, 'BROKER_CORRUPT')) throw cause;
      throw full === cause ? wrongFormat(directory, errorMessage(cause)) : full;
    }
    this.bells = new Bells(path.join(directory, bellFolder));
    this.#regularCheck = setInterval(() => {
      this.#control.readerCheck();
      this.#data.readerCheck();
      this.look();
    }, regularCheckMs);
    this.#regularCheck.unref();
    try {
      this.#transactions.run(() => {
        this.#headroom.keep();
      });
      this.#noticeReboot();
    } catch (error) {
      void this.#close();
      throw asFull(error, directory);
    }
  }

  /** The store of a directory; opens it for the first client of this process. */
  static acquire(options: StoreOptions): Store {
    const directory = path.resolve(options.directory);
    let store = this.#stores.get(directory);
    if (!store) this.#stores.set(directory, (store = new Store({ ...options, directory })));
    else {
      // Before it could be made anew beside those who have the old one open.
      store.lookAndCheck();
      prepareDirectory(options);
    }
    store.#clients++;
    return store;
  }

  /** Closes the environments when the last client of this process lets go. */
  async release(): Promise<void> {
    if (--this.#clients > 0) return;
    Store.#stores.delete(this.directory);
    await this.#draining;
    this.#journal?.end();
    await this.#endWaits();
    // Those whose step was the last may still read its payloads.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#close();
  }

  async #close(): Promise<void> {
    clearInterval(this.#regularCheck);
    await this.#journal?.close();
    this.bells.close();
    this.#space?.close();
    this.#headroom.close();
    if (this.#lent) keepEnvironment(path.join(this.directory, dataFile), this.#data);
    else await this.#data.close();
    await this.#control.close();
  }

  /** Whether the control environment itself waits for the disk. */
  get #synced(): boolean {
    return this.format.durability === 'power' && !isJournaled(this.format);
  }

  /** Whether the file system has no room for more. */
  get cramped(): boolean {
    this.checkThere();
    const now = performance.now();
    if (now < this.#roomyUntil) return false;
    try {
      const free = freeBytes(this.directory);
      this.#roomyUntil = now + Math.min(mostRoomyMs, (free - leastFreeBytes) / mostBytesPerMs);
      return free < leastFreeBytes;
    } catch (error) {
      this.lookAndCheck();
      throw error;
    }
  }

  /** Looks whether the store is still in its folder. One that was deleted lives on in memory, where no new process finds it. */
  look(): void {
    if (this.#deleted || this.#headroom.inPlace) return;
    this.#deleted = deletedStore(this.directory);
    this.bells.wakeAll();
  }

  /** @throws EdgeFlowError `BROKER_CORRUPT` where the store is deleted */
  lookAndCheck(): void {
    this.look();
    this.checkThere();
  }

  /** @throws EdgeFlowError `BROKER_CORRUPT` once the store was found deleted */
  checkThere(): void {
    if (this.#deleted) throw this.#deleted;
  }

  /**
   * The payload of an entry; undefined where it is gone, or is not as long as it was.
   *
   * @param inPlace - reads it where it lies, if it can be; the map then stays until the process ends, for those who still look at it.
   */
  payloadOf({ meta, payload, payloadKey, bytes }: Entry, inPlace: boolean): Uint8Array | undefined {
    if (payloadKey && inPlace) this.#lent = true;
    const found = payloadKey ? this.payloads.read(payloadKey, inPlace) : payload;
    return found?.length === bytes - meta.length ? found : undefined;
  }

  /** Number of the last commit: as long as it is the same, nothing has changed. */
  get lastCommit(): number {
    return this.#transactions.lastCommit;
  }

  /** Reads one consistent state. `read` must not keep it. */
  view<R>(read: (tables: Tables, log: (topic: string) => StoredLog | undefined) => R): R {
    this.#control.resetReadTxn();
    try {
      return read(this.#tables, (topic) => StoredLog.load(topic, this.#tables, this.#viewEffects));
    } finally {
      this.#control.resetReadTxn();
    }
  }

  /** Messages of a topic, by its number; undefined for those that are gone. */
  async entries(topic: number, seqs: readonly number[]): Promise<(Buffer | undefined)[]> {
    const read = (tables: Tables): (Buffer | undefined)[] => readEntries(tables, topic, seqs);
    const found = this.view(read);
    // What is read outside of a transaction may be a moment behind: see Transactions.
    return found.includes(undefined) ? this.exclusively(read) : found;
  }

  /**
   * Runs a step in a transaction. Steps that are asked for in one tick, or while an earlier transaction is being synced,
   * share one. A step fails alone by throwing an EdgeFlowError before it has changed anything.
   *
   * @param lasting - when the disk has it
   */
  change<R>(step: (change: Change) => R, lasting: Lasting = 'now'): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      let result: { readonly value: R } | { readonly error: unknown } | undefined;
      const fail: (error: unknown) => void = reject;
      this.#jobs.push({
        lasting,
        run: (change) => {
          try {
            result = { value: step(change) };
          } catch (error) {
            // Damage may be found when half of the step is done: then nothing of it must stay.
            if (!(error instanceof EdgeFlowError) || hasCode(error, 'MESSAGE_CORRUPT')) throw error;
            result = { error };
          }
        },
        resolve: () => {
          if (result && 'value' in result) resolve(result.value);
          else fail(result?.error);
        },
        reject,
      });
      if (!this.#draining) {
        this.#draining = Promise.resolve().then(() => this.#drain());
      }
    });
  }

  /** Resolves when the store outlives with all that it holds now, and what was freed here is. */
  async settle(): Promise<void> {
    if (!this.#journal) return;
    await this.change(() => undefined);
    await this.#endWaits();
  }

  /** Runs a step alone in a transaction of the control environment, of which it changes nothing: nobody else writes meanwhile. */
  async exclusively<R>(step: (tables: Tables) => R): Promise<R> {
    const run = (): R => step(this.#tables);
    return this.#synced ? this.#transactions.runSynced(run) : this.#transactions.run(run);
  }

  /** Frees payloads that no message refers to any more. */
  free(keys: readonly Uint8Array[]): void {
    try {
      this.payloads.remove(keys);
    } catch (error) {
      this.#putOff(error, 'the sweep frees what is left');
    }
  }

  /** Names of all topics. */
  topics(): string[] {
    return [...this.#tables.topics.getKeys()].map((key) => Buffer.from(key).toString());
  }

  /** Empties both environments; their files stay, because other processes have them open. */
  clear(change: Change): void {
    clearTables(change.tables);
    change.clear();
    this.#recent.clear();
    this.#members.clear();
    this.payloads.clear();
  }

  readonly #recentIds = (topic: number): RecentIds => {
    let ids = this.#recent.get(topic);
    if (!ids) this.#recent.set(topic, (ids = new RecentIds(this.#tables.recent, topic)));
    return ids;
  };

  readonly #membersOf: LogEffects['members'] = (topic) => this.#members.of(topic);

  /** A view changes nothing. */
  readonly #viewEffects: LogEffects = {
    bytes: 0,
    spareBytes: 0,
    freed: [],
    nextNumber: () => 0,
    copyPayload: () => undefined,
    members: this.#membersOf,
    recentIds: this.#recentIds,
  };

  async #drain(): Promise<void> {
    while (this.#jobs.length > 0) {
      const jobs = this.#jobs;
      this.#jobs = [];
      try {
        await this.#commit(jobs);
      } catch (error) {
        if (jobs.length === 1) jobs[0]?.reject(asFull(error, this.directory));
        else for (const job of jobs) await this.#commit([job]).catch((alone: unknown) => job.reject(asFull(alone, this.directory)));
      }
      if (this.#headroom.short) await this.#keepHeadroom();
    }
    this.#draining = undefined;
  }

  #commit(jobs: readonly Job[]): Promise<void> {
    let change: Change | undefined;
    let mark: Mark | undefined;
    const transact = (): void => {
      [change, mark] = this.#transact((change) => {
        for (const job of jobs) job.run(change);
      });
      if (mark && jobs.some(({ lasting }) => lasting === 'now')) this.#journal?.hurry(mark);
    };
    // It stands, so nothing here may fail a step, or have it done again.
    const committed = (): void => {
      for (const { topic, kind } of change?.rings.values() ?? []) this.#ring(topic, kind);
      const freed = change?.freed ?? [];
      if (this.#journal && mark) this.#last(this.#journal, mark, jobs, change?.publishes ?? false, freed);
      else {
        for (const job of jobs) job.resolve();
        this.free(freed);
      }
    };
    const aborted = (error: unknown): never => {
      // They may have noted what was not published.
      this.#recent.clear();
      this.#journal?.abort();
      throw error;
    };
    if (this.#synced) return this.#transactions.runSynced(transact).then(committed, aborted);
    try {
      this.#transactions.run(transact);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error))).catch(aborted);
    }
    committed();
    return Promise.resolve();
  }

  /** Ends jobs when the disk has what they did, as far as they wait for it. */
  #last(journal: Journal, mark: Mark, jobs: readonly Job[], publishes: boolean, freed: readonly Uint8Array[]): void {
    const now = jobs.filter(({ lasting }) => lasting === 'now');
    for (const job of jobs) if (job.lasting !== 'now') job.resolve();
    if (now.length > 0)
      this.#wait(
        journal.reached(mark, publishes).then(
          () => {
            for (const job of now) job.resolve();
          },
          (error: unknown) => {
            for (const job of now) job.reject(error);
          },
        ),
      );
    // No sooner may payloads go that a message would need which comes again.
    if (freed.length > 0 || jobs.some(({ lasting }) => lasting === 'soon')) {
      this.#soon ??= { freed: [], mark, timer: setTimeout(() => this.#endSoon(journal), soonMs) };
      this.#soon.mark = mark;
      this.#soon.freed.push(...freed);
    }
    if (journal.long) void this.#checkpoint(journal);
  }

  #endSoon(journal: Journal): void {
    const soon = this.#soon;
    if (!soon) return;
    this.#soon = undefined;
    clearTimeout(soon.timer);
    this.#wait(
      journal.reached(soon.mark, false).then(
        () => {
          this.free(soon.freed);
        },
        // What a closed store keeps is for the sweep.
        () => undefined,
      ),
    );
  }

  async #endWaits(): Promise<void> {
    if (this.#journal) this.#endSoon(this.#journal);
    await Promise.all(this.#waits);
  }

  #wait(work: Promise<void>): void {
    const wait = work.finally(() => this.#waits.delete(wait));
    this.#waits.add(wait);
  }

  async #checkpoint(journal: Journal): Promise<void> {
    try {
      await journal.checkpoint();
    } catch (error) {
      this.#putOff(error, 'the journal grows until the next try');
    }
  }

  /** What all transactions that change something do. */
  #transact(step: (change: Change) => void): [Change, Mark | undefined] {
    this.#journal?.begin();
    const change = new Change({
      tables: this.#tables,
      payloads: this.payloads,
      maxBytes: this.format.maxBytes,
      members: this.#membersOf,
      recentIds: this.#recentIds,
    });
    step(change);
    change.save();
    return [change, this.#journal?.append()];
  }

  async #keepHeadroom(): Promise<void> {
    try {
      await this.exclusively(() => {
        this.#headroom.keep();
      });
    } catch (error) {
      this.#putOff(error, 'the next change tries again to keep room for acks');
    }
  }

  #ring(topic: string, kind: Bell): void {
    try {
      this.bells.ring(topic, kind);
    } catch (error) {
      this.#putOff(error, 'others find out when they look again');
    }
  }

  /** Says what could not be done after a commit, but for want of room: that is told to whoever publishes. */
  #putOff(error: unknown, later: string): void {
    if (hasCode(asFull(error, this.directory), 'BROKER_FULL')) return;
    process.emitWarning(`the embedded store in '${this.directory}': ${errorMessage(error)}; ${later}`, { code: 'EDGEFLOW_STORE' });
  }

  #noticeReboot(): void {
    const boot = Buffer.from(bootName());
    this.#transactions.run(() => {
      const stored = readRow(this.#tables.store, bootKey);
      if (stored && boot.equals(stored)) return;
      this.#transact((change) => {
        this.#tables.store.putSync(bootKey, boot);
        if (!stored) return;
        this.#tables.sessions.clearSync();
        for (const name of this.#tables.topics.getKeys()) change.log(Buffer.from(name).toString())?.forgetTimes();
      });
    });
  }
}
