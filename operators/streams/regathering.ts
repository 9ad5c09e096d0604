import { parkedHold } from './held.js';
import type { Held } from './held.js';
import { Identity } from './identity.js';

/** Messages that are remembered; the groups of the oldest are forgotten first. */
const rememberedMessages = 8_192;

interface Place<T> {
  readonly identity: Identity;
  held?: Held<T>;
}

interface Group<T, G> {
  readonly tag: G;
  readonly places: readonly Place<T>[];
}

/**
 * Remembers which messages were emitted together. When they are delivered again, because the work on them failed, time has
 * gone on, and they would count as late: they are gathered again instead, and come out as the group that they were.
 */
export class Regathering<T, G> {
  readonly #emit: (tag: G, members: readonly Held<T>[], whole: boolean) => void;
  readonly #groups = new Set<Group<T, G>>();
  readonly #byId = new Map<string, Set<Group<T, G>>>();
  #messages = 0;

  /** @param emit - gets a group that is together again, or what came of it. */
  constructor(emit: (tag: G, members: readonly Held<T>[], whole: boolean) => void) {
    this.#emit = emit;
  }

  /** Notes a group that is emitted. */
  remember(tag: G, members: readonly Held<T>[]): void {
    const group = { tag, places: members.map(({ lease }) => ({ identity: new Identity(lease.delivery) })) };
    const ids = group.places.flatMap(({ identity }) => identity.id ?? []);
    if (ids.length < group.places.length) return;
    this.#groups.add(group);
    this.#messages += ids.length;
    for (const id of ids) {
      const groups = this.#byId.get(id) ?? new Set();
      this.#byId.set(id, groups.add(group));
    }
    const [oldest] = this.#groups;
    if (!oldest || this.#messages <= rememberedMessages) return;
    // What has come of it is not given up: better once more in part than never.
    if (membersOf(oldest).length > 0) this.#emitAgain(oldest);
    else this.#forget(oldest);
  }

  /**
   * Takes a value whose message was in a group before.
   *
   * @returns false, without having touched the lease, for any other value.
   */
  take({ value, lease }: Held<T>): boolean {
    const id = lease.delivery?.id;
    const groups = id === undefined ? undefined : this.#byId.get(id);
    if (!groups) return false;
    let taken = false;
    for (const group of [...groups]) {
      const place = group.places.find(({ identity, held }) => !held && identity.deliveredAgain(lease.delivery));
      if (!place) continue;
      taken = true;
      place.held = { value, lease: parkedHold(lease) };
      if (group.places.every(({ held }) => held)) this.#emitAgain(group);
    }
    if (taken) lease.release();
    return taken;
  }

  /** Emits what has come of groups: the rest of them does not seem to come. */
  flush(): void {
    for (const group of [...this.#groups]) if (group.places.some(({ held }) => held)) this.#emitAgain(group);
  }

  #emitAgain(group: Group<T, G>): void {
    const members = membersOf(group);
    this.#forget(group);
    this.#emit(group.tag, members, members.length === group.places.length);
  }

  #forget(group: Group<T, G>): void {
    this.#groups.delete(group);
    this.#messages -= group.places.length;
    for (const { identity } of group.places) {
      const { id } = identity;
      const groups = id === undefined ? undefined : this.#byId.get(id);
      groups?.delete(group);
      if (id !== undefined && groups?.size === 0) this.#byId.delete(id);
    }
  }
}

function membersOf<T, G>({ places }: Group<T, G>): Held<T>[] {
  return places.flatMap(({ held }) => held ?? []);
}
