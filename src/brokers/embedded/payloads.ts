/**
 * The data plane: the bytes of large payloads, apart from the entries that name them by their keys. A payload stays as it
 * is until it is removed, so who removes none that an entry, a letter or a hold names may read without a lock.
 */
export interface Payloads {
  /** Stores payloads; where the store outlives power, they are on disk when the promise resolves. */
  write(payloads: readonly Uint8Array[]): Promise<Buffer[]>;

  /** Stores a copy under a new key; undefined where the payload is gone. */
  copy(key: Uint8Array): Buffer | undefined;

  /** Frees payloads; those that are gone already are left alone. */
  remove(keys: readonly Uint8Array[]): void;

  /** Whether the payload was removed. Only one older than `youngMs` needs the question: it may have been swept. */
  lost(key: Uint8Array, youngMs?: number): boolean;

  /**
   * Reads a payload; undefined where it is gone.
   *
   * @param inPlace - gives the stored bytes themselves where that is possible, to be read until the payload is removed,
   * and not to be written to.
   */
  read(key: Uint8Array, inPlace?: boolean): Uint8Array | undefined;

  /** Keys of payloads written more than `ageMs` ago, or before the host booted. */
  olderThan(ageMs: number): Buffer[];

  clear(): void;
}

/** A payload younger than this cannot have been swept. */
export const leastSweepMs = 60_000;
