import path from 'node:path';
import { EdgeFlowError, errorMessage, hasCode } from '../../errors.js';
import { Bells } from './bells.js';
import type { Bell } from './bells.js';
import { Change } from './change.js';
import { bootName } from './clock.js';
import { bellFolder, checkEnvironment, controlFile, dataFile, deletedStore, prepareDirectory, wrongFormat } from './directory.js';
import type { StoreFormat, StoreOptions } from './directory.js';
import { keepEnvironment, openEnvironment } from './environment.js';
import { Headroom } from './headroom.js';
import { ArenaPayloads } from './arenaPayloads.js';
import type { Payloads } from './payloads.js';
import { RowPayloads } from './rowPayloads.js';
import { RecentIds } from './recentIds.js';
import { Space, asFull, freeBytes, leastFreeBytes } from './space.js';
import { decodeEntry } from './entry.js';
import type { Entry } from './entry.js';
import { seqKey } from './keys.js';
import { StoredLog } from './storedLog.js';
import { clearTables, controlTables, dataTables, openTables } from './tables.js';
import type { Environment, Tables } from './tables.js';
import { Transactions } from './transactions.js';

interface Job {
  run(change: Change): void;
  resolve(): void;
  reject(error: unknown): void;
}

const bootKey = Buffer.from('boot');
/** Room in the map for each byte that may be stored: pages are partly empty, and large payloads need neighbours. */
const mapFactor = 4;
const leastMap = 256 * 1024 * 1024;
const regularCheckMs = 10_000;

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
  readonly #headroom: Headroom;
  readonly #regularCheck: NodeJS.Timeout;
  readonly #recent = new Map<number, RecentIds>();
  #clients = 0;
  #lent = false;
  #deleted: EdgeFlowError | undefined;
  #jobs: Job[] = [];
  #draining: Promise<void> | undefined;

  private constructor(options: StoreOptions) {
    const { directory } = options;
    this.directory = directory;
    this.format = prepareDirectory(options);
    checkEnvironment(directory, controlFile);
    checkEnvironment(directory, dataFile);
    try {
      const files = { control: path.join(directory, controlFile), data: path.join(directory, dataFile) };
      const shared = { mapSize: Math.max(leastMap, this.format.maxBytes * mapFactor), synced: this.synced };
      this.#control = openEnvironment({ ...shared, path: files.control, tables: controlTables, writeMap: false });
      // Payloads are written straight into the map.
      this.#data = openEnvironment({ ...shared, path: files.data, tables: dataTables, writeMap: !this.synced });
      this.#tables = openTables(this.#control);
      this.#transactions = new Transactions(this.#control, files.control);
      this.#headroom = new Headroom(this.#control, this.#transactions);
      const data = new Transactions(this.#data, files.data);
      // At once, because reads do not look whether they are behind.
      data.run(() => undefined);
      // A written map needs its space made sure; without one, a full disk is an error of the write.
      this.#space = this.synced ? undefined : new Space(this.#data, data, files.data);
      this.payloads =
        this.#space && this.format.payloads === 'arenas'
          ? new ArenaPayloads(this.#data, data, this.#space)
          : new RowPayloads(this.#data, data, this.#space);
    } catch (cause) {
      const full = asFull(cause, directory);
      throw full === cause ? wrongFormat(directory, errorMessage(cause)) : full;
    }
    this.bells = new Bells(path.join(directory, bellFolder));
    this.#regularCheck = setInterval(() => {
      this.#control.readerCheck();
      this.#data.readerCheck();
      this.look();
    }, regularCheckMs);
    this.#regularCheck.unref();
    this.#transactions.run(() => {
      this.#headroom.keep();
    });
    this.#noticeReboot();
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
    // Those whose step was the last may still read its payloads.
    await new Promise((resolve) => setImmediate(resolve));
    clearInterval(this.#regularCheck);
    this.bells.close();
    this.#space?.close();
    this.#headroom.close();
    if (this.#lent) keepEnvironment(path.join(this.directory, dataFile), this.#data);
    else await this.#data.close();
    await this.#control.close();
  }

  get synced(): boolean {
    return this.format.durability === 'power';
  }

  /** Whether the file system has no room for more. */
  get cramped(): boolean {
    this.checkThere();
    try {
      return freeBytes(this.directory) < leastFreeBytes;
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
      return read(this.#tables, (topic) => StoredLog.load(topic, this.#tables, { ...viewEffects, recentIds: this.#recentIds }));
    } finally {
      this.#control.resetReadTxn();
    }
  }

  /** Messages of a topic, by its number; undefined for those that are gone. */
  async entries(topic: number, seqs: readonly number[]): Promise<(Entry | undefined)[]> {
    const read = ({ entries }: Tables): (Entry | undefined)[] =>
      seqs.map((seq) => {
        const stored = entries.getBinary(seqKey(topic, seq));
        return stored && decodeEntry(stored);
      });
    const found = this.view(read);
    // What is read outside of a transaction may be a moment behind: see Transactions.
    return found.includes(undefined) ? this.exclusively(read) : found;
  }

  /**
   * Runs a step in a transaction. Steps that are asked for in one tick, or while an earlier transaction is being synced,
   * share one. A step fails alone by throwing an EdgeFlowError before it has changed anything.
   */
  change<R>(step: (change: Change) => R): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      let result: { readonly value: R } | { readonly error: unknown } | undefined;
      const fail: (error: unknown) => void = reject;
      this.#jobs.push({
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

  /** Runs a step alone in a transaction of the control environment, of which it changes nothing: nobody else writes meanwhile. */
  async exclusively<R>(step: (tables: Tables) => R): Promise<R> {
    const run = (): R => step(this.#tables);
    return this.synced ? this.#transactions.runSynced(run) : this.#transactions.run(run);
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
    this.payloads.clear();
  }

  readonly #recentIds = (topic: number): RecentIds => {
    let ids = this.#recent.get(topic);
    if (!ids) this.#recent.set(topic, (ids = new RecentIds(this.#tables.recent, topic)));
    return ids;
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
    const transact = (): void => {
      change = this.#newChange();
      for (const job of jobs) job.run(change);
      change.save();
    };
    // It stands, so nothing here may fail a step, or have it done again.
    const committed = (): void => {
      for (const { topic, kind } of change?.rings.values() ?? []) this.#ring(topic, kind);
      for (const job of jobs) job.resolve();
      this.free(change?.freed ?? []);
    };
    const aborted = (error: unknown): never => {
      // They may have noted what was not published.
      this.#recent.clear();
      throw error;
    };
    if (this.synced) return this.#transactions.runSynced(transact).then(committed, aborted);
    try {
      this.#transactions.run(transact);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error))).catch(aborted);
    }
    committed();
    return Promise.resolve();
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

  #newChange(): Change {
    return new Change({ tables: this.#tables, payloads: this.payloads, maxBytes: this.format.maxBytes, recentIds: this.#recentIds });
  }

  #noticeReboot(): void {
    const boot = Buffer.from(bootName());
    this.#transactions.run(() => {
      const stored = this.#tables.store.getBinary(bootKey);
      if (stored && boot.equals(stored)) return;
      this.#tables.store.putSync(bootKey, boot);
      if (!stored) return;
      this.#tables.sessions.clearSync();
      const change = this.#newChange();
      for (const name of this.#tables.topics.getKeys()) change.log(Buffer.from(name).toString())?.forgetTimes();
      change.save();
    });
  }
}

/** A view changes nothing. */
const viewEffects = {
  bytes: 0,
  spareBytes: 0,
  freed: [],
  nextNumber: (): number => 0,
  copyPayload: (): undefined => undefined,
};
