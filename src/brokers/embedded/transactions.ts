import type { ABORT } from 'lmdb';
import { openSync, readSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { EdgeFlowError } from '../../errors.js';
import { lmdb } from './lmdb.js';
import type { Environment } from './tables.js';
import { is64Bit } from './wordSize.js';

/** What lmdb's declared types leave out. */
interface Native {
  readonly env: { info(): { readonly lastTxnId: number; readonly lastPageNumber: number } };
}

/** The lock file begins with a magic number of 4 bytes, a format of 4 bytes, and the number of the last commit, a `size_t`. */
const magic = 0xbeefc0de;
const numberAt = 8;
const numberBytes = is64Bit ? 8 : 4;

/**
 * Write transactions of one environment, each of which continues the last commit.
 *
 * The processes that use an environment share the number of the last commit in its lock file. A process that opens the
 * environment sets it to what it read a moment before (LMDB's ITS#9496, in lmdb 3.5.6 still): the next transaction would
 * then take the place of what others committed in that moment. So each begins by comparing its own number with that of
 * the last commit in the file itself, and puts the shared one right where it is behind. Reads may see the state before
 * until the next transaction; the process that opened begins one at once.
 */
export class Transactions {
  readonly #environment: Environment;
  readonly #native: Native;
  /** Of the environment's file. */
  readonly path: string;
  readonly pageSize: number;
  #lockFile: number | undefined;

  constructor(environment: Environment, path: string) {
    this.#environment = environment;
    this.#native = environment as unknown as Native;
    this.path = path;
    this.pageSize = (environment.getStats() as { readonly pageSize: number }).pageSize;
  }

  /** Number of the last page in use. */
  get lastPage(): number {
    return this.#native.env.info().lastPageNumber;
  }

  /** Number of the last commit, of whichever process. */
  get lastCommit(): number {
    return this.#native.env.info().lastTxnId;
  }

  /** Runs a step; all of it is done when it returns, nothing when it throws. Within another one, it is a part of that. */
  run<R>(step: () => R): R {
    for (;;) {
      const outcome = this.#environment.transactionSync(() => this.#begin(step));
      if (isDone(outcome)) return outcome.value;
    }
  }

  /** The same, on the disk when the promise resolves. */
  async runSynced<R>(step: () => R): Promise<R> {
    for (;;) {
      const outcome = await this.#environment.childTransaction(() => this.#begin(step)).catch(throwReason);
      if (isDone(outcome)) return outcome.value;
    }
  }

  #begin<R>(step: () => R): Done<R> | typeof ABORT {
    const last = this.lastCommit;
    if (this.#environment.getWriteTxnId() > last) return { value: step() };
    this.#setLast(last);
    return lmdb().ABORT;
  }

  /** Only within a transaction, where nobody else commits. */
  #setLast(last: number): void {
    // Stays open: to close any descriptor of it would drop the locks that tell others that this process is here.
    this.#lockFile ??= openSync(`${this.path}-lock`, 'r+');
    const found = Buffer.alloc(numberAt);
    readSync(this.#lockFile, found, 0, numberAt, 0);
    if (readNumber(found, 0, 4) !== BigInt(magic))
      throw new EdgeFlowError(
        'BROKER_CONFIG',
        `'${this.path}-lock' is not the lock file of this version of lmdb: stop all processes, and delete it`,
      );
    writeSync(this.#lockFile, encodeNumber(last), 0, numberBytes, numberAt);
  }
}

interface Done<R> {
  readonly value: R;
}

function isDone<R>(outcome: Done<R> | typeof ABORT): outcome is Done<R> {
  return outcome !== lmdb().ABORT;
}

/** Of a commit that failed, lmdb's error says no more than that; a promise in it fails with the reason. */
async function throwReason(error: unknown): Promise<never> {
  if (error instanceof Error && 'commitError' in error) await error.commitError;
  throw error;
}

function readNumber(bytes: Buffer, at: number, length: number): bigint {
  const part = bytes.subarray(at, at + length);
  return BigInt(`0x${(endianness() === 'LE' ? Buffer.from(part).reverse() : part).toString('hex')}`);
}

function encodeNumber(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  const part = bytes.subarray(8 - numberBytes);
  return endianness() === 'LE' ? part.reverse() : part;
}
