import { damaged } from './damaged.js';
import { nameKey, nameOfKey, ownerRange } from './keys.js';
import type { TopicRecord } from './records.js';
import { readRow } from './tables.js';
import type { Table, Tables } from './tables.js';

/** Names of the groups and readers of a topic. */
export interface MemberNames {
  readonly groups: readonly string[];
  readonly readers: readonly string[];
}

/**
 * The names of topics' members, as this process found them last: to look for rows by a range takes longer than most of a
 * transaction. A topic's `members` is another number whenever its members are others.
 */
export class KnownMembers {
  readonly #tables: Pick<Tables, 'groups' | 'readers'>;
  readonly #known = new Map<number, MemberNames & Pick<TopicRecord, 'members'>>();

  constructor(tables: Pick<Tables, 'groups' | 'readers'>) {
    this.#tables = tables;
  }

  of({ number, members }: Pick<TopicRecord, 'number' | 'members'>): MemberNames {
    const known = this.#known.get(number);
    if (known?.members === members) return known;
    const namesIn = (table: Table): string[] => [...table.getKeys(ownerRange(number))].map(nameOfKey);
    const found = { groups: namesIn(this.#tables.groups), readers: namesIn(this.#tables.readers), members };
    // 0 stands for a topic of an earlier version, whose members change without a word.
    if (members !== 0) this.#known.set(number, found);
    return found;
  }

  clear(): void {
    this.#known.clear();
  }
}

/** Where the members of one kind are stored, and how. */
export interface MembersOptions<M> {
  readonly table: Table;
  /** Number of the topic. */
  readonly topic: number;
  readonly names: readonly string[];
  readonly decode: (name: string, stored: Uint8Array) => M;
  /** Called when the transaction ends, for each that was looked at. */
  readonly encode: (member: M) => Buffer;
}

interface Opened<M> {
  readonly member: M;
  /** Its row; undefined for a new one. */
  readonly stored: Buffer | undefined;
}

/** The groups of a topic, or its readers: each is read when it is asked for, and written where it has changed. */
export class Members<M> {
  readonly #options: MembersOptions<M>;
  readonly #names: Set<string>;
  readonly #opened = new Map<string, Opened<M>>();

  constructor(options: MembersOptions<M>) {
    this.#options = options;
    this.#names = new Set(options.names);
  }

  get size(): number {
    return this.#names.size;
  }

  get names(): Iterable<string> {
    return this.#names;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  get(name: string): M | undefined {
    if (!this.#names.has(name)) return undefined;
    const opened = this.#opened.get(name);
    if (opened) return opened.member;
    const { table, topic, decode } = this.#options;
    const stored = readRow(table, nameKey(topic, name));
    if (!stored) throw damaged(`the row of '${name}'`);
    const member = decode(name, stored);
    this.#opened.set(name, { member, stored });
    return member;
  }

  add(name: string, member: M): void {
    this.#names.add(name);
    this.#opened.set(name, { member, stored: undefined });
  }

  /** @returns whether there was one. */
  delete(name: string): boolean {
    const { table, topic } = this.#options;
    if (!this.#names.delete(name)) return false;
    this.#opened.delete(name);
    table.removeSync(nameKey(topic, name));
    return true;
  }

  *[Symbol.iterator](): Generator<[name: string, member: M]> {
    for (const name of this.#names) {
      const member = this.get(name);
      if (member) yield [name, member];
    }
  }

  save(): void {
    const { table, topic, encode } = this.#options;
    for (const [name, { member, stored }] of this.#opened) {
      const row = encode(member);
      if (!stored || !row.equals(stored)) table.putSync(nameKey(topic, name), row);
    }
  }
}
