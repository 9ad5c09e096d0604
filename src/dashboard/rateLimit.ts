/** Addresses that are remembered at a time; a flood of others makes room by forgetting the oldest. */
const maxAddresses = 4_096;

/** So many in so much time, for each address. */
export class RateLimit {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #counts = new Map<string, { count: number; since: number }>();

  constructor(most: number, windowMs: number) {
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /** @returns false when the address has had all of its share. */
  take(address: string): boolean {
    if (this.isSpent(address)) return false;
    const entry = this.#counts.get(address);
    if (entry) entry.count++;
    else {
      const [oldest] = this.#counts.keys();
      if (oldest !== undefined && this.#counts.size >= maxAddresses) this.#counts.delete(oldest);
      this.#counts.set(address, { count: 1, since: performance.now() });
    }
    return true;
  }

  isSpent(address: string): boolean {
    const entry = this.#counts.get(address);
    if (!entry) return false;
    if (performance.now() - entry.since < this.#windowMs) return entry.count >= this.#most;
    this.#counts.delete(address);
    return false;
  }
}
