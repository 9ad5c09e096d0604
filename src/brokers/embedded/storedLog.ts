import type {
  DeadLetterOptions,
  Failure,
  GroupStats,
  OnFull,
  PushReceipt,
  RangeRequest,
  ReaderStats,
  Ticket,
  TopicDeclaration,
  TopicStats,
} from '../broker.js';
import { defaultMaxBytes, fullRange, keptNewest, nothingRetained, replaceWithGroup, retentionOf } from '../options.js';
import { hasCode } from '../../errors.js';
import type { OutgoingMessage } from '../../message.js';
import { checkName } from '../../topic.js';
import { decodeDeadLetter, encodeDeadLetter } from './deadLetters.js';
import type { StoredDeadLetter } from './deadLetters.js';
import { decodeEntry, encodeEntry, entryCost, entryTime, reencodeEntry } from './entry.js';
import type { Entry } from './entry.js';
import { Holds } from './holds.js';
import { nameKey, nameOfKey, ownSeqKey, ownerRange, seqKey, seqOfKey } from './keys.js';
import { OpenSet } from './openSet.js';
import type { RecentIds } from './recentIds.js';
import { consumerRecord, failureRecord, groupRecord, readerRecord, sessionRecord, topicRecord } from './records.js';
import type { GroupRecord, ReaderRecord, TopicRecord } from './records.js';
import type { Tables } from './tables.js';
import { attemptOf, firstToken, handedBack, nextToken, redriven } from '../token.js';

/** A message of a log, as it is stored. */
export interface StoredMessage {
  readonly seq: number;
  readonly entry: Entry;
}

/** A page of what is stored. */
export interface StoredRange {
  readonly found: readonly StoredMessage[];
  readonly next: number | undefined;
}

/** What a log reports to the transaction that it is part of. */
export interface LogEffects {
  /** Stored bytes of the whole store. */
  bytes: number;
  /** Those of them that nobody needs. */
  spareBytes: number;
  /** Payloads to remove after the commit. */
  readonly freed: Uint8Array[];
  /** Makes a number that no topic or group has had. */
  nextNumber(): number;
  copyPayload(key: Uint8Array): Buffer | undefined;
  /** The last ids of a topic, by its number. */
  recentIds(topic: number): RecentIds;
}

/** Stands in the table of spare messages, of which the keys say all. */
const present = Buffer.of(1);
/** Messages that one look goes through, whether it wants them or not. */
const mostLooked = 4_096;

/** As numbers in the record of a topic. */
const onFullNames: readonly OnFull[] = ['wait', 'reject', 'replace'];

interface Group extends GroupRecord {
  readonly name: string;
  readonly messages: OpenSet;
}

/** Who pops: the consumer by its number. */
interface Owner {
  readonly number: number;
}

/** The rules of {@link TopicLog} on tables. Lives as long as one transaction or one view; `save` writes what changed. */
export class StoredLog {
  readonly name: string;
  readonly #tables: Tables;
  readonly #effects: LogEffects;
  readonly #topic: TopicRecord;
  readonly #groups = new Map<string, Group>();
  readonly #readers = new Map<string, ReaderRecord>();
  readonly #holds: Holds;

  private constructor(name: string, tables: Tables, effects: LogEffects, topic: TopicRecord) {
    this.name = name;
    this.#tables = tables;
    this.#effects = effects;
    this.#topic = topic;
    this.#holds = new Holds(tables.holds, topic.number);
  }

  static load(name: string, tables: Tables, effects: LogEffects): StoredLog | undefined {
    checkName('topic', name);
    const stored = tables.topics.getBinary(Buffer.from(name));
    if (!stored) return undefined;
    const log = new StoredLog(name, tables, effects, topicRecord.decode(stored));
    const rows = ownerRange(log.#topic.number);
    for (const { key, value } of tables.groups.getRange(rows)) log.#addGroup(nameOfKey(key), groupRecord.decode(value));
    for (const { key, value } of tables.readers.getRange(rows)) log.#readers.set(nameOfKey(key), readerRecord.decode(value));
    return log;
  }

  static create(name: string, tables: Tables, effects: LogEffects, dedupeWindow: number): StoredLog {
    return new StoredLog(name, tables, effects, {
      number: effects.nextNumber(),
      head: 0,
      entries: 0,
      bytes: 0,
      maxBytes: defaultMaxBytes,
      onFull: 0,
      dedupeWindow,
      deadLetters: 0,
      lastLetter: 0,
      ...nothingRetained,
      spare: 0,
      spareBytes: 0,
    });
  }

  get maxBytes(): number {
    return this.#topic.maxBytes;
  }

  get onFull(): OnFull {
    return onFullNames[this.#topic.onFull] ?? 'wait';
  }

  get hasGroups(): boolean {
    return this.#groups.size > 0;
  }

  get full(): boolean {
    return this.room <= 0;
  }

  /** Bytes until the topic is full: what nobody needs gives way. */
  get room(): number {
    const { maxBytes, bytes, spareBytes } = this.#topic;
    return this.hasGroups ? maxBytes - bytes + spareBytes : Infinity;
  }

  /** Whether messages are kept that nobody needs. */
  get retains(): boolean {
    return this.#topic.retainBytes > 0;
  }

  /** Whether there are such messages. */
  get hasSpare(): boolean {
    return this.#topic.spare > 0;
  }

  /** Whether settling a message may let a strict consumer go on. */
  get strict(): boolean {
    return [...this.#groups.values()].some(({ strict }) => strict === 1);
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  hasReader(reader: string): boolean {
    return this.#readers.has(reader);
  }

  declare({ groups = [], readers = [], maxBytes, onFull, retain }: TopicDeclaration): void {
    const [grouped] = [...this.#groups.keys(), ...groups];
    if (grouped !== undefined && (onFull ?? this.onFull) === 'replace') throw replaceWithGroup(this.name, grouped);
    const { head, number } = this.#topic;
    for (const name of groups) {
      if (this.#groups.has(name)) continue;
      const group = {
        start: head,
        cursor: head,
        acked: 0,
        dead: 0,
        open: 0,
        waiting: 0,
        nextDue: Infinity,
        owners: 0,
        strict: 0,
        failed: 0,
      };
      this.#addGroup(name, { number: this.#effects.nextNumber(), ...group });
    }
    const start = this.#tables.entries.doesExist(seqKey(number, head)) ? head - 1 : head;
    for (const name of readers) if (!this.#readers.has(name)) this.#readers.set(name, { start, cursor: start, delivered: 0, skipped: 0 });
    this.#topic.maxBytes = maxBytes ?? this.#topic.maxBytes;
    if (onFull) this.#topic.onFull = onFullNames.indexOf(onFull);
    if (retain) Object.assign(this.#topic, retentionOf(retain, this.#topic.maxBytes));
    // More readers, more of the newest to jump to.
    for (let seq = head; seq > head - this.#kept; seq--) this.#unspare(seq);
    this.trim();
  }

  /** The position of a message that was published before. */
  known(id: string): number | undefined {
    const { number, head, dedupeWindow } = this.#topic;
    return this.#effects.recentIds(number).find(id, head, dedupeWindow);
  }

  push(message: OutgoingMessage, payloadKey: Buffer | undefined, checksum: number): PushReceipt {
    const topic = this.#topic;
    const known = this.known(message.id);
    if (known !== undefined) {
      if (payloadKey) this.#effects.freed.push(payloadKey);
      return { seq: known, duplicate: true };
    }
    const seq = ++topic.head;
    this.#tables.entries.putSync(seqKey(topic.number, seq), encodeEntry(message, payloadKey, checksum));
    this.#effects.recentIds(topic.number).add(message.id, seq, topic.dedupeWindow);
    this.#count(1, message.meta.length + message.payload.length);
    this.#free(seq - this.#kept);
    if (this.hasSpare) this.trim(Date.now());
    // Without a group there is nothing to wait for: the newest takes the place of the others.
    if (!this.hasGroups) for (let old = seq - this.#kept + 1; old < seq && topic.bytes > topic.maxBytes; old++) this.#delete(old);
    return { seq, duplicate: false };
  }

  /** Takes messages. `owner` from {@link consumer}. */
  pop(groupName: string, owner: Owner, count: number, strict: boolean, now: number): (StoredMessage & Ticket)[] {
    const group = this.#group(groupName);
    group.strict = strict ? 1 : group.strict;
    const taken: (StoredMessage & Ticket)[] = [];
    const take = (seq: number, token: number): void => {
      group.messages.set(seq, { token, owner: owner.number, due: Infinity });
      taken.push({ seq, token, entry: this.#entry(seq) });
    };
    if (group.open > 0 && (strict || group.nextDue <= now)) {
      let nextDue = Infinity;
      for (const [seq, open] of group.messages) {
        const due = open.owner === 0 && open.due <= now;
        if (due && taken.length < count) {
          take(seq, nextToken(open.token));
          group.waiting--;
          continue;
        }
        if (open.owner === 0) nextDue = Math.min(nextDue, open.due);
        if (strict && !due) return taken;
      }
      group.nextDue = nextDue;
    }
    while (taken.length < count && group.cursor < this.#topic.head) {
      take(++group.cursor, firstToken);
      group.open++;
    }
    return taken;
  }

  /** Whether a pop would find something, and if not, when a message that waits becomes due. */
  ready(groupName: string, strict: boolean, now: number): { readonly ready: boolean; readonly nextDue: number } {
    const group = this.#group(groupName);
    if (strict && group.open > 0) {
      for (const [, { owner, due }] of group.messages) return { ready: owner === 0 && due <= now, nextDue: owner === 0 ? due : Infinity };
    }
    return { ready: group.nextDue <= now || group.cursor < this.#topic.head, nextDue: group.nextDue };
  }

  /** The message that a reader took last cannot be read: it counts as passed over. */
  passOver(readerName: string): void {
    const reader = this.#readers.get(readerName);
    if (!reader) return;
    reader.delivered--;
    reader.skipped++;
  }

  /** @param session - holds a payload that is not in the entry, until {@link letGo}. */
  popLatest(readerName: string, session: number): (StoredMessage & { readonly skipped: number }) | undefined {
    const reader = this.#readers.get(readerName);
    if (!reader) throw new Error(`reader '${readerName}' is unknown`);
    const { head } = this.#topic;
    if (head <= reader.cursor || !this.#tables.entries.doesExist(seqKey(this.#topic.number, head))) return undefined;
    const skipped = head - reader.cursor - 1;
    reader.skipped += skipped;
    reader.delivered++;
    reader.cursor = head;
    const entry = this.#entry(head);
    if (entry.payloadKey) this.#holds.add(head, session, readerName, entry.payloadKey);
    return { seq: head, entry, skipped };
  }

  /** What is stored, in order. */
  range(request: RangeRequest = {}): StoredRange {
    const { after, from, to, limit, maxBytes } = fullRange(request);
    const { number, head } = this.#topic;
    const found: StoredMessage[] = [];
    if (after >= head) return { found, next: undefined };
    let [bytes, looked, last] = [0, 0, after];
    for (const { key, value } of this.#tables.entries.getRange({ start: ownSeqKey(number, after + 1), end: ownerRange(number).end })) {
      if (looked++ === mostLooked) return { found, next: last };
      const time = entryTime(value);
      if (time >= from && time <= to) {
        const entry = decodeEntry(Buffer.from(value));
        bytes += entry.bytes;
        if (found.length === limit || (bytes > maxBytes && found.length > 0)) return { found, next: last };
        found.push({ seq: seqOfKey(key), entry });
      }
      last = seqOfKey(key);
    }
    return { found, next: undefined };
  }

  /** Frees the oldest of what nobody needs: beyond the bytes of the topic, and beyond what it retains. @param time - the wall clock. */
  trim(time = -Infinity): void {
    const topic = this.#topic;
    for (let seq = this.#oldestSpare(); seq !== undefined; seq = this.#oldestSpare()) {
      const fits = topic.spareBytes <= topic.retainBytes && topic.bytes <= topic.maxBytes && this.retains;
      if (fits && !(this.#timeOf(seq) < time - topic.retainMs)) return;
      this.#delete(seq);
    }
  }

  /** Frees at least so many bytes of what nobody needs, or all of it. */
  giveWay(bytes: number): void {
    const least = this.#topic.bytes - bytes;
    for (let seq = this.#oldestSpare(); seq !== undefined && this.#topic.bytes > least; seq = this.#oldestSpare()) this.#delete(seq);
  }

  /** A reader looks at the payload of a message no more. */
  letGo(readerName: string, session: number, seq: number): void {
    const payloadKey = this.#holds.letGo(seq, session, readerName);
    if (payloadKey) this.#effects.freed.push(payloadKey);
  }

  /** Lets go for those who do not live any more. */
  reapHolds(now: number): void {
    this.#effects.freed.push(...this.#holds.reap((session) => this.#alive(session, now)));
  }

  /** Whether there is a message that the reader has not had. */
  hasNewer(readerName: string): boolean {
    return this.#topic.head > (this.#readers.get(readerName)?.cursor ?? Infinity);
  }

  /** Number of a consumer, once it has popped. */
  consumer(groupName: string, name: string): Owner | undefined {
    checkName('consumer', name);
    const stored = this.#tables.consumers.getBinary(nameKey(this.#group(groupName).number, name));
    return stored && { number: consumerRecord.decode(stored).owner };
  }

  /** Makes a consumer known as living in a session; with `takeBack`, what another session had open becomes due. */
  enlist(groupName: string, name: string, session: number, takeBack: boolean): Owner {
    checkName('consumer', name);
    const group = this.#group(groupName);
    const key = nameKey(group.number, name);
    const stored = this.#tables.consumers.getBinary(key);
    const record = stored ? consumerRecord.decode(stored) : { owner: ++group.owners, session: 0 };
    if (stored && record.session === session) return { number: record.owner };
    if (takeBack && stored) this.#releaseOwner(group, record.owner);
    this.#tables.consumers.putSync(key, consumerRecord.encode({ ...record, session }));
    return { number: record.owner };
  }

  /** Consumers of a group with open messages that have given no sign of life for their visibility time. */
  deadConsumers(groupName: string, now: number): string[] {
    const group = this.#group(groupName);
    if (group.open === group.waiting) return [];
    const dead: string[] = [];
    for (const { key, value } of this.#tables.consumers.getRange(ownerRange(group.number))) {
      const { session } = consumerRecord.decode(value);
      if (session !== 0 && !this.#alive(session, now)) dead.push(nameOfKey(key));
    }
    return dead;
  }

  /** Gives what dead consumers had open to others. */
  reap(groupName: string, now: number): number {
    const group = this.#group(groupName);
    const dead = this.deadConsumers(groupName, now);
    for (const name of dead) {
      const key = nameKey(group.number, name);
      const stored = this.#tables.consumers.getBinary(key);
      if (!stored) continue;
      const record = consumerRecord.decode(stored);
      this.#releaseOwner(group, record.owner);
      this.#tables.consumers.putSync(key, consumerRecord.encode({ ...record, session: 0 }));
    }
    return dead.length;
  }

  owns(groupName: string, owner: Owner | undefined, ticket: Ticket): boolean {
    return this.#owns(this.#group(groupName), owner, ticket);
  }

  ack(groupName: string, owner: Owner | undefined, ticket: Ticket): boolean {
    const group = this.#group(groupName);
    if (!this.#owns(group, owner, ticket)) return false;
    this.#close(group, ticket.seq);
    group.acked++;
    this.#freeUnlessNewest(ticket.seq);
    return true;
  }

  /** @param time - milliseconds since the epoch, for people; `now` is the log's clock. */
  nack(groupName: string, owner: Owner | undefined, ticket: Ticket, failure: Failure, now: number, time: number): boolean {
    const group = this.#group(groupName);
    if (!this.#owns(group, owner, ticket)) return false;
    const { seq, token } = ticket;
    const { error, stack, retryAfterMs } = failure;
    const firstTime = this.#firstFailure(group, seq) ?? time;
    if (retryAfterMs !== undefined) {
      this.#noteFailure(group, seq, firstTime);
      this.#wait(group, seq, token, now + retryAfterMs);
      return true;
    }
    const entry = this.#entry(seq);
    // The letter takes the payload over where nobody else needs it: no copy, and no room that a full store lacks.
    const alone = seq <= this.#topic.head - this.#kept && !this.#needed(seq, group);
    const copied = entry.payloadKey && !(alone && !this.retains) ? this.#copy(entry.payloadKey, alone) : undefined;
    const moves = alone && (!this.retains || (entry.payloadKey !== undefined && !copied));
    const payloadKey = moves ? entry.payloadKey : copied;
    const letter = encodeDeadLetter(
      { ...entry, seq, token, group: groupName, error, stack, attempts: attemptOf(token), firstTime, deadTime: time },
      payloadKey,
    );
    this.#tables.dead.putSync(seqKey(this.#topic.number, ++this.#topic.lastLetter), letter);
    this.#topic.deadLetters++;
    this.#close(group, seq);
    group.dead++;
    if (moves) this.#remove(seq);
    else if (this.retains) this.#freeUnlessNewest(seq);
    return true;
  }

  release(groupName: string, owner: Owner | undefined, seqs?: readonly number[]): void {
    if (owner) this.#releaseOwner(this.#group(groupName), owner.number, handedBack, seqs);
  }

  /** After a reboot the stored times mean nothing: all that waits is due, and nobody lives. */
  forgetTimes(): void {
    for (const group of this.#groups.values()) {
      for (const [seq, { token }] of group.messages) group.messages.set(seq, { token, owner: 0, due: -Infinity });
      group.waiting = group.open;
      group.nextDue = group.open > 0 ? -Infinity : Infinity;
    }
  }

  deadLetters({ after = 0, limit = Infinity }: DeadLetterOptions = {}): (StoredDeadLetter & { readonly letter: number })[] {
    const { number, lastLetter } = this.#topic;
    if (!(after < lastLetter && limit > 0)) return [];
    const range = {
      start: ownSeqKey(number, Math.max(0, Math.floor(after)) + 1),
      end: ownerRange(number).end,
      ...(limit !== Infinity && { limit }),
    };
    return [...this.#tables.dead.getRange(range)].map(({ key, value }) => ({
      ...decodeDeadLetter(Buffer.from(value)),
      letter: seqOfKey(key),
    }));
  }

  /** Gives dead letters back to their groups; returns how many. */
  redrive(letters: readonly number[]): number {
    let count = 0;
    for (const letter of letters) {
      const found = this.#letter(letter);
      const group = found && this.#groups.get(found.group);
      // A group that was dropped and declared again is another one, and begins later.
      if (!found || !group || found.seq <= group.start) continue;
      const { seq, token, payloadKey, bytes } = found;
      const key = seqKey(this.#topic.number, seq);
      if (!this.#tables.entries.doesExist(key)) {
        this.#tables.entries.putSync(ownSeqKey(this.#topic.number, seq), reencodeEntry(found));
        this.#count(1, bytes);
      } else if (payloadKey) this.#discard(seq, payloadKey);
      this.#unspare(seq);
      group.open++;
      this.#wait(group, seq, redriven(token), -Infinity);
      group.dead--;
      this.#removeLetter(letter);
      count++;
    }
    return count;
  }

  /** Deletes dead letters; returns how many there were. */
  dropDeadLetters(letters: readonly number[]): number {
    let count = 0;
    for (const letter of letters) {
      const found = this.#letter(letter);
      if (!found) continue;
      if (found.payloadKey) this.#discard(found.seq, found.payloadKey);
      this.#removeLetter(letter);
      count++;
    }
    return count;
  }

  /** Forgets a group, and frees what only it needed; returns how many of its messages were not settled. */
  dropGroup(groupName: string): number {
    const group = this.#group(groupName);
    const { head } = this.#topic;
    const unsettled = group.open + head - group.cursor;
    const { number } = group;
    group.messages.clear();
    for (const table of [this.#tables.consumers, this.#tables.failures])
      for (const key of [...table.getKeys(ownerRange(number))]) table.removeSync(Buffer.from(key));
    this.#tables.groups.removeSync(nameKey(this.#topic.number, groupName));
    this.#groups.delete(groupName);
    this.#freeAllUnlessNewest();
    return unsettled;
  }

  /** Forgets a reader, and frees what only it needed. */
  dropReader(readerName: string): void {
    if (!this.#readers.delete(readerName)) return;
    this.#tables.readers.removeSync(nameKey(this.#topic.number, readerName));
    this.#freeAllUnlessNewest();
  }

  stats(): TopicStats {
    const { head, entries, bytes, deadLetters } = this.#topic;
    const groups: Record<string, GroupStats> = {};
    for (const [name, { start, cursor, acked, dead, open }] of this.#groups)
      groups[name] = { published: head - start, acked, dead, open, unread: head - cursor };
    const readers: Record<string, ReaderStats> = {};
    for (const [name, { start, cursor, delivered, skipped }] of this.#readers)
      readers[name] = { published: head - start, delivered, skipped, waiting: head - cursor };
    return { topic: this.name, published: head, entries, bytes, deadLetters, groups, readers };
  }

  save(): void {
    const { number, dedupeWindow } = this.#topic;
    this.#effects.recentIds(number).save(dedupeWindow);
    this.#tables.topics.putSync(Buffer.from(this.name), topicRecord.encode(this.#topic));
    for (const [name, group] of this.#groups) {
      group.messages.save();
      this.#tables.groups.putSync(nameKey(number, name), groupRecord.encode(group));
    }
    for (const [name, reader] of this.#readers) this.#tables.readers.putSync(nameKey(number, name), readerRecord.encode(reader));
  }

  get #kept(): number {
    return keptNewest(this.#readers.size, this.#groups.size);
  }

  #addGroup(name: string, record: GroupRecord): void {
    this.#groups.set(name, { ...record, name, messages: new OpenSet(this.#tables.open, record.number) });
  }

  #group(name: string): Group {
    const group = this.#groups.get(name);
    if (!group) throw new Error(`group '${name}' is unknown`);
    return group;
  }

  #entry(seq: number): Entry {
    const stored = this.#tables.entries.getBinary(seqKey(this.#topic.number, seq));
    if (!stored) throw new Error(`message ${seq} of '${this.name}' is gone while it is needed`);
    return decodeEntry(stored);
  }

  #alive(session: number, now: number): boolean {
    const stored = this.#tables.sessions.getBinary(seqKey(0, session));
    if (!stored) return false;
    const { beat, visibilityMs } = sessionRecord.decode(stored);
    // A beat in the future is one of an earlier boot.
    return beat <= now + 1 && now - beat <= visibilityMs;
  }

  #owns(group: Group, owner: Owner | undefined, { seq, token }: Ticket): boolean {
    if (!owner) return false;
    const open = group.messages.get(seq);
    return open?.owner === owner.number && open.token === token;
  }

  /** A message of the group is settled. */
  #close(group: Group, seq: number): void {
    group.messages.delete(seq);
    group.open--;
    if (group.failed > 0 && this.#tables.failures.removeSync(seqKey(group.number, seq))) group.failed--;
  }

  /** When an open message failed first; undefined where it never did. */
  #firstFailure(group: Group, seq: number): number | undefined {
    const stored = group.failed > 0 ? this.#tables.failures.getBinary(seqKey(group.number, seq)) : undefined;
    return stored && failureRecord.decode(stored).firstTime;
  }

  #noteFailure(group: Group, seq: number, firstTime: number): void {
    if (this.#firstFailure(group, seq) !== undefined) return;
    this.#tables.failures.putSync(seqKey(group.number, seq), failureRecord.encode({ firstTime }));
    group.failed++;
  }

  #letter(letter: number): StoredDeadLetter | undefined {
    if (!(Number.isInteger(letter) && letter > 0 && letter <= this.#topic.lastLetter)) return undefined;
    const stored = this.#tables.dead.getBinary(seqKey(this.#topic.number, letter));
    return stored && decodeDeadLetter(Buffer.from(stored));
  }

  #removeLetter(letter: number): void {
    this.#tables.dead.removeSync(seqKey(this.#topic.number, letter));
    this.#topic.deadLetters--;
  }

  #wait(group: Group, seq: number, token: number, due: number): void {
    group.messages.set(seq, { token, owner: 0, due });
    group.waiting++;
    group.nextDue = Math.min(group.nextDue, due);
  }

  /** @param retoken - what becomes of the tokens: a dead consumer's delivery counts as an attempt. */
  #releaseOwner(group: Group, owner: number, retoken = (token: number): number => token, seqs?: readonly number[]): void {
    if (group.open === group.waiting) return;
    const chosen = seqs && new Set(seqs);
    for (const [seq, open] of group.messages)
      if (open.owner === owner && (!chosen || chosen.has(seq))) this.#wait(group, seq, retoken(open.token), -Infinity);
  }

  #freeUnlessNewest(seq: number): void {
    if (seq > this.#topic.head - this.#kept) return;
    this.#free(seq);
    if (this.hasSpare) this.trim();
  }

  #freeAllUnlessNewest(): void {
    for (const key of [...this.#tables.entries.getKeys(ownerRange(this.#topic.number))]) this.#freeUnlessNewest(seqOfKey(key));
  }

  /** Deletes a message that no group needs, or keeps it for a while. */
  #free(seq: number): void {
    if (seq < 1 || this.#needed(seq)) return;
    if (this.retains) this.#spare(seq);
    else this.#delete(seq);
  }

  /** @param spare - nobody needs the payload itself: where there is no room for a copy there is none. */
  #copy(payloadKey: Uint8Array, spare: boolean): Buffer | undefined {
    try {
      return this.#effects.copyPayload(payloadKey);
    } catch (error) {
      if (spare && hasCode(error, 'BROKER_FULL')) return undefined;
      throw error;
    }
  }

  #delete(seq: number): void {
    const payloadKey = seq < 1 ? undefined : this.#remove(seq);
    if (payloadKey) this.#discard(seq, payloadKey);
  }

  #spare(seq: number): void {
    const stored = this.#tables.entries.getBinaryFast(seqKey(this.#topic.number, seq));
    if (!stored) return;
    const { bytes } = entryCost(stored);
    if (this.#tables.spare.doesExist(seqKey(this.#topic.number, seq))) return;
    this.#tables.spare.putSync(seqKey(this.#topic.number, seq), present);
    this.#countSpare(1, bytes);
  }

  /** A message is needed again. */
  #unspare(seq: number): void {
    if (!this.hasSpare || seq < 1 || !this.#tables.spare.removeSync(seqKey(this.#topic.number, seq))) return;
    this.#countSpare(-1, -this.#entry(seq).bytes);
  }

  #oldestSpare(): number | undefined {
    if (!this.hasSpare) return undefined;
    const [oldest] = [...this.#tables.spare.getKeys({ ...ownerRange(this.#topic.number), limit: 1 })];
    return oldest && seqOfKey(oldest);
  }

  #timeOf(seq: number): number {
    const stored = this.#tables.entries.getBinaryFast(seqKey(this.#topic.number, seq));
    return stored ? entryTime(stored) : -Infinity;
  }

  /** Frees a payload that neither an entry nor a letter names any more. */
  #discard(seq: number, payloadKey: Uint8Array): void {
    if (!this.#holds.leave(seq, payloadKey)) this.#effects.freed.push(payloadKey);
  }

  /** Whether a group has a message unread or open, other than one. */
  #needed(seq: number, other?: Group): boolean {
    for (const group of this.#groups.values()) if (group !== other && (seq > group.cursor || group.messages.get(seq))) return true;
    return false;
  }

  /** Deletes a message, and leaves its payload: returns where that is. */
  #remove(seq: number): Buffer | undefined {
    const stored = this.#tables.entries.getBinaryFast(seqKey(this.#topic.number, seq));
    if (!stored) return undefined;
    const { bytes, payloadKey } = entryCost(stored);
    this.#tables.entries.removeSync(seqKey(this.#topic.number, seq));
    if (this.hasSpare && this.#tables.spare.removeSync(seqKey(this.#topic.number, seq))) this.#countSpare(-1, -bytes);
    this.#count(-1, -bytes);
    return payloadKey;
  }

  #count(entries: number, bytes: number): void {
    this.#topic.entries += entries;
    this.#topic.bytes += bytes;
    this.#effects.bytes += bytes;
  }

  #countSpare(messages: number, bytes: number): void {
    this.#topic.spare += messages;
    this.#topic.spareBytes += bytes;
    this.#effects.spareBytes += bytes;
  }
}
