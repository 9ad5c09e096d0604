import type { GroupStats, Ticket } from '../broker.js';
import { checkName } from '../../topic.js';
import { firstToken, nextToken } from '../token.js';
import { nameKey, nameOfKey, ownerRange, seqKey } from './keys.js';
import { OpenSet } from './openSet.js';
import { consumerRecord, failureRecord, groupRecord } from './records.js';
import type { GroupRecord } from './records.js';
import { lives } from './sessions.js';
import { readRow } from './tables.js';
import type { Tables } from './tables.js';

/** Who pops: the consumer by its number. */
export interface Owner {
  readonly number: number;
}

/**
 * One group of a topic: how far it has read, which messages it has open and with whom, and who its consumers are. Lives
 * as long as one transaction or one view; `save` writes what changed.
 */
export class StoredGroup {
  readonly name: string;
  readonly #tables: Tables;
  readonly #record: GroupRecord;
  readonly #messages: OpenSet;

  constructor(name: string, tables: Tables, record: GroupRecord) {
    this.name = name;
    this.#tables = tables;
    this.#record = record;
    this.#messages = new OpenSet(tables.open, record.number);
  }

  static load(name: string, tables: Tables, stored: Uint8Array): StoredGroup {
    return new StoredGroup(name, tables, groupRecord.decode(stored));
  }

  /** A group that begins behind a position. */
  static create(name: string, tables: Tables, number: number, start: number): StoredGroup {
    const nothing = { acked: 0, dead: 0, open: 0, waiting: 0, nextDue: Infinity, owners: 0, strict: 0, failed: 0 };
    return new StoredGroup(name, tables, { number, start, cursor: start, ...nothing });
  }

  /** It has the messages behind this position. */
  get start(): number {
    return this.#record.start;
  }

  /** Whether settling a message may let a strict consumer go on. */
  get strict(): boolean {
    return this.#record.strict === 1;
  }

  /** Whether it has a message unread or open. */
  needs(seq: number): boolean {
    return seq > this.#record.cursor || this.#messages.get(seq) !== undefined;
  }

  /** Takes messages that are due, and then new ones up to `head`. */
  take(owner: Owner, { head, count, strict, now }: { head: number; count: number; strict: boolean; now: number }): Ticket[] {
    const record = this.#record;
    if (strict) record.strict = 1;
    const taken: Ticket[] = [];
    const take = (seq: number, token: number): void => {
      this.#messages.set(seq, { token, owner: owner.number, due: Infinity });
      taken.push({ seq, token });
    };
    if (record.open > 0 && (strict || record.nextDue <= now)) {
      let nextDue = Infinity;
      for (const [seq, open] of this.#messages) {
        const due = open.owner === 0 && open.due <= now;
        if (due && taken.length < count) {
          take(seq, nextToken(open.token));
          record.waiting--;
          continue;
        }
        if (open.owner === 0) nextDue = Math.min(nextDue, open.due);
        if (strict && !due) return taken;
      }
      record.nextDue = nextDue;
    }
    while (taken.length < count && record.cursor < head) {
      take(++record.cursor, firstToken);
      record.open++;
    }
    return taken;
  }

  /** Whether there is something to take, and if not, when a message that waits becomes due, and whether consumers have any. */
  ready(head: number, strict: boolean, now: number): { readonly ready: boolean; readonly nextDue: number; readonly taken: boolean } {
    const { open: count, waiting, nextDue, cursor } = this.#record;
    const taken = count > waiting;
    if (strict && count > 0) {
      for (const [, { owner, due }] of this.#messages)
        return { ready: owner === 0 && due <= now, nextDue: owner === 0 ? due : Infinity, taken };
    }
    return { ready: nextDue <= now || cursor < head, nextDue, taken };
  }

  owns(owner: Owner | undefined, { seq, token }: Ticket): boolean {
    if (!owner) return false;
    const open = this.#messages.get(seq);
    return open?.owner === owner.number && open.token === token;
  }

  acked(seq: number): void {
    this.#close(seq);
    this.#record.acked++;
  }

  /** A message has become a dead letter. */
  buried(seq: number): void {
    this.#close(seq);
    this.#record.dead++;
  }

  /** A dead letter was given back: its message is open again, and due. */
  revived(seq: number, token: number): void {
    this.#record.open++;
    this.#record.dead--;
    this.wait(seq, token, -Infinity);
  }

  /** An open message is due again at a time. */
  wait(seq: number, token: number, due: number): void {
    this.#messages.set(seq, { token, owner: 0, due });
    this.#record.waiting++;
    this.#record.nextDue = Math.min(this.#record.nextDue, due);
  }

  /** When an open message failed first; undefined where it never did. */
  firstFailure(seq: number): number | undefined {
    const { failed, number } = this.#record;
    const stored = failed > 0 ? readRow(this.#tables.failures, seqKey(number, seq)) : undefined;
    return stored && failureRecord.decode(stored).firstTime;
  }

  noteFailure(seq: number, firstTime: number): void {
    if (this.firstFailure(seq) !== undefined) return;
    this.#tables.failures.putSync(seqKey(this.#record.number, seq), failureRecord.encode({ firstTime }));
    this.#record.failed++;
  }

  /** Number of a consumer, once it has popped. */
  consumer(name: string): Owner | undefined {
    checkName('consumer', name);
    const stored = readRow(this.#tables.consumers, this.#consumerKey(name));
    return stored && { number: consumerRecord.decode(stored).owner };
  }

  /** Makes a consumer known as living in a session; with `takeBack`, what another session had open becomes due. */
  enlist(name: string, session: number, takeBack: boolean): Owner {
    checkName('consumer', name);
    const key = this.#consumerKey(name);
    const stored = readRow(this.#tables.consumers, key);
    const record = stored ? consumerRecord.decode(stored) : { owner: ++this.#record.owners, session: 0 };
    if (stored && record.session === session) return { number: record.owner };
    if (takeBack && stored) this.release({ number: record.owner });
    this.#tables.consumers.putSync(key, consumerRecord.encode({ ...record, session }));
    return { number: record.owner };
  }

  /** Consumers with open messages that have given no sign of life for their visibility time. */
  deadConsumers(now: number): string[] {
    const { open, waiting, number } = this.#record;
    if (open === waiting) return [];
    const dead: string[] = [];
    for (const { key, value } of this.#tables.consumers.getRange(ownerRange(number))) {
      const { session } = consumerRecord.decode(value);
      if (session !== 0 && !lives(this.#tables.sessions, session, now)) dead.push(nameOfKey(key));
    }
    return dead;
  }

  /** Gives what dead consumers had open to others. */
  reap(now: number): number {
    const dead = this.deadConsumers(now);
    for (const name of dead) {
      const key = this.#consumerKey(name);
      const stored = readRow(this.#tables.consumers, key);
      if (!stored) continue;
      const record = consumerRecord.decode(stored);
      this.release({ number: record.owner });
      this.#tables.consumers.putSync(key, consumerRecord.encode({ ...record, session: 0 }));
    }
    return dead.length;
  }

  /**
   * Makes what a consumer has open due for others.
   *
   * @param retoken - what becomes of the tokens: a dead consumer's delivery counts as an attempt.
   */
  release({ number }: Owner, retoken = (token: number): number => token, seqs?: readonly number[]): void {
    if (this.#record.open === this.#record.waiting) return;
    const chosen = seqs && new Set(seqs);
    for (const [seq, { owner, token }] of this.#messages)
      if (owner === number && (!chosen || chosen.has(seq))) this.wait(seq, retoken(token), -Infinity);
  }

  /** After a reboot the stored times mean nothing: all that waits is due, and nobody lives. */
  forgetTimes(): void {
    for (const [seq, { token }] of this.#messages) this.#messages.set(seq, { token, owner: 0, due: -Infinity });
    this.#record.waiting = this.#record.open;
    this.#record.nextDue = this.#record.open > 0 ? -Infinity : Infinity;
  }

  /** Deletes all that is stored of it, but for its own row. */
  clear(): void {
    const { number } = this.#record;
    this.#messages.clear();
    for (const table of [this.#tables.consumers, this.#tables.failures])
      for (const key of [...table.getKeys(ownerRange(number))]) table.removeSync(Buffer.from(key));
  }

  stats(head: number): GroupStats {
    const { start, cursor, acked, dead, open } = this.#record;
    return { published: head - start, acked, dead, open, unread: head - cursor };
  }

  /** Writes what was changed, but for its own row, which it returns. */
  save(): Buffer {
    this.#messages.save();
    return groupRecord.encode(this.#record);
  }

  #consumerKey(name: string): Buffer {
    return nameKey(this.#record.number, name);
  }

  /** A message is settled. */
  #close(seq: number): void {
    const record = this.#record;
    this.#messages.delete(seq);
    record.open--;
    if (record.failed > 0 && this.#tables.failures.removeSync(seqKey(record.number, seq))) record.failed--;
  }
}
