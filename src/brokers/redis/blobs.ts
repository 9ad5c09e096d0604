import type { Redis } from 'ioredis';
import { codeOf, errorMessage } from '../../errors.js';
import type { Keys } from './keys.js';
import { LinkLost } from './link.js';
import type { RedisLink } from './link.js';
import { setPayload } from './payloadConnector.js';
import { isNoRoom } from './refusal.js';
import type { StoredMessage } from './record.js';
import { asBuffer, asList } from './reply.js';
import type { Reply } from './reply.js';

const none = Buffer.alloc(0);
/** Freed payloads are deleted together after this time, or once there are this many. */
const trashMs = 5;
const trashCount = 64;

/** The payloads on the data plane. */
export class Blobs {
  readonly #Client: typeof Redis;
  readonly #data: RedisLink;
  readonly #control: RedisLink;
  readonly #keys: Keys;
  #trash: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #emptying: Promise<void> = Promise.resolve();

  constructor(Client: typeof Redis, data: RedisLink, control: RedisLink, keys: Keys) {
    this.#Client = Client;
    this.#data = data;
    this.#control = control;
    this.#keys = keys;
  }

  /** Stores payloads, and tells how many, from the first on, the server took: at its maxmemory, or with a full disk, it refuses. */
  async put(blobs: readonly { readonly key: string; readonly payload: Buffer }[]): Promise<number> {
    const replies = await this.#data.send((client) =>
      Promise.all(
        blobs.map(({ key, payload }) =>
          setPayload(client, this.#Client, key, payload).then(
            () => true,
            (error: unknown) => {
              if (isNoRoom(error)) return false;
              throw error;
            },
          ),
        ),
      ),
    );
    const refused = replies.indexOf(false);
    return refused < 0 ? blobs.length : refused;
  }

  /** The payloads of messages as they are stored, in their order; undefined where one is gone. */
  async get(messages: readonly StoredMessage[]): Promise<(Buffer | undefined)[]> {
    if (messages.every(({ blob }) => blob === undefined)) return messages.map(({ body }) => body ?? none);
    return this.#data.send((client) =>
      Promise.all(
        messages.map(async ({ body, blob }) =>
          blob === undefined ? (body ?? none) : ((await client.getBuffer(blob).catch(nothingOfAnotherType)) ?? undefined),
        ),
      ),
    );
  }

  /** Deletes payloads without waiting. What can't be deleted now is found in the control plane's trash later. */
  discard(keys: readonly string[]): void {
    if (keys.length === 0) return;
    for (const key of keys) this.#trash.push(key);
    if (this.#trash.length >= trashCount) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), trashMs);
  }

  /** Deletes blobs that were never published; those of a broken connection are left to the sweep. */
  async remove(blobs: readonly { readonly key: string }[]): Promise<void> {
    if (blobs.length === 0) return;
    await this.#data.send((client) => client.unlink(blobs.map(({ key }) => key))).catch(ignoreLost);
  }

  /** Deletes all that any client, killed perhaps, left in the trash. */
  async emptyTrash(): Promise<void> {
    for (;;) {
      const reply: unknown = await this.#control.send((client) => client.callBuffer('SRANDMEMBER', this.#keys.trash, 256));
      const keys = asList(reply).map((key) => asBuffer(key).toString());
      if (keys.length === 0) return;
      await this.#delete(keys);
    }
  }

  /** Waits for deletions that have begun. */
  async settle(): Promise<void> {
    this.#flush();
    await this.#emptying;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const keys = this.#trash;
    this.#trash = [];
    if (keys.length > 0) this.#emptying = this.#emptying.then(() => this.#delete(keys)).catch(warn);
  }

  /** Data first: a kill between the two leaves the keys in the trash, and nothing leaks. */
  async #delete(keys: readonly string[]): Promise<void> {
    await this.#data.send((client) => client.unlink([...keys]));
    await this.#control.send((client) => client.srem(this.#keys.trash, [...keys]));
  }
}

/** Under a payload's key, another kind of value is no payload: that concerns its message alone. */
function nothingOfAnotherType(error: unknown): null {
  if (errorMessage(error).startsWith('WRONGTYPE')) return null;
  throw error;
}

export function ignoreLost(error: unknown): void {
  if (!(error instanceof LinkLost)) throw error;
}

/** Nobody waits for these deletions; what is left over is a matter of space. */
function warn(error: unknown): void {
  if (!(error instanceof LinkLost)) process.emitWarning(errorMessage(error), { code: codeOf(error) ?? 'EDGEFLOW_TRASH' });
}

/** Blob keys that a script returned for deletion. */
export function blobKeys(reply: Reply | undefined): string[] {
  return asList(reply).map((key) => asBuffer(key).toString());
}
