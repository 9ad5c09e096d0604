import { randomBytes } from 'node:crypto';
import type { Broker } from '../brokers/broker.js';
import type { CommonBrokerOptions } from '../brokers/options.js';
import { messageIdSource } from '../message.js';
import type { OutgoingMessage } from '../message.js';

/** One empty store, on which several clients may work. */
export interface BrokerStore {
  /** A new client of this store, as another process would have it; the same object where the store is the object. */
  connect(): Promise<Broker>;
  /** Kills the servers with SIGKILL and starts them again on what they had stored; absent where there are none. */
  restart?(): Promise<void>;
  /** What this store can suffer and recover from, by name; a run of D1 picks among them. */
  readonly faults?: Readonly<Record<string, () => Promise<void>>>;
  /** Turns one bit of one stored payload of a topic; resolves to whether there was one. */
  damage?(topic: string): Promise<boolean>;
  /** Deletes the stored payloads of a topic, and leaves its messages. */
  lose?(topic: string): Promise<void>;
  /** Closes all clients and deletes the store. */
  dispose(): Promise<void>;
}

/** How the conformance suite gets brokers of one kind. */
export interface BrokerHarness {
  /** Makes an empty store for one test. */
  createStore(options?: CommonBrokerOptions): Promise<BrokerStore>;
  /** Whether `connect` gives independent clients, so that a consumer can be abandoned as a killed process abandons it. */
  readonly independentClients: boolean;
  /** Whether other processes can connect by what `open()` returns. @defaultValue false */
  readonly processes?: boolean;
  /** How long a property waits for what must come, in milliseconds. @defaultValue 30000 */
  readonly patienceMs?: number;
  /** Runs of each property. @defaultValue 30 */
  readonly runs?: number;
}

const nextId = messageIdSource();

/**
 * A message that carries a number, and `bytes` of random payload.
 *
 * @example
 * ```ts
 * const message = numbered(7, 1_000); // with 1,000 bytes of payload
 * numberOf(message) // 7
 * ```
 */
export function numbered(value: number, bytes = 0, id = nextId()): OutgoingMessage {
  const meta = Buffer.alloc(8);
  meta.writeDoubleLE(value);
  return { id, time: Date.now(), meta, payload: bytes > 0 ? randomBytes(bytes) : new Uint8Array(0) };
}

/**
 * The number that {@link numbered} put into a message.
 *
 * @example
 * ```ts
 * numberOf(numbered(7)) // 7
 * ```
 */
export function numberOf({ meta }: Pick<OutgoingMessage, 'meta'>): number {
  return Buffer.from(meta.buffer, meta.byteOffset, meta.byteLength).readDoubleLE(0);
}

/**
 * Waits until a condition holds; asks again every 5 ms.
 *
 * @throws Error naming the condition after `timeoutMs`.
 * @example
 * ```ts
 * let count = 0;
 * frames.subscribe(() => count++);
 * await until('ten frames', () => count >= 10);
 * console.log(count);
 * ```
 */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
