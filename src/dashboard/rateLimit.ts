import { isIPv6 } from 'node:net';

/** Addresses that are remembered at a time; a flood of others makes room by forgetting the oldest. */
const maxAddresses = 4_096;

/** Who an address stands for: of IPv6 the first half, since whoever has one address has all that begin with it. */
export function subnetOf(address: string): string {
  if (!isIPv6(address) || /[.%]/.test(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail === undefined) return groups.slice(0, 4).join(':');
  const last = tail === '' ? [] : tail.split(':');
  return [...groups, ...Array<string>(8 - groups.length - last.length).fill('0'), ...last].slice(0, 4).join(':');
}

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
