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
import { defaultMaxBytes, keptNewest, nothingRetained, replaceWithGroup, retentionOf } from '../options.js';
import type { OutgoingMessage } from '../../message.js';
import { checkName } from '../../topic.js';
import { attemptOf, handedBack, redriven } from '../token.js';
import { nameKey } from './keys.js';
import type { LogEffects } from './logEffects.js';
import { Members } from './members.js';
import type { MemberNames } from './members.js';
import { readerRecord, topicRecord } from './records.js';
import type { ReaderRecord, TopicRecord } from './records.js';
import { lives } from './sessions.js';
import { StoredGroup } from './storedGroup.js';
import type { Owner } from './storedGroup.js';
import { StoredLetters } from './storedLetters.js';
import { StoredMessages } from './storedMessages.js';
import type { StoredMessage, StoredRange } from './storedMessages.js';
import { readRow } from './tables.js';
import type { Tables } from './tables.js';

/** As numbers in the record of a topic. */
const onFullNames: readonly OnFull[] = ['wait', 'reject', 'replace'];

/** The rules of {@link TopicLog} on tables. Lives as long as one transaction or one view; `save` writes what changed. */
export class StoredLog {
  readonly name: string;
  readonly #tables: Tables;
  readonly #effects: LogEffects;
  readonly #topic: TopicRecord;
  /** Its row, as it was. */
  readonly #stored: Buffer | undefined;
  readonly #messages: StoredMessages;
  readonly #letters: StoredLetters;
  readonly #groups: Members<StoredGroup>;
  readonly #readers: Members<ReaderRecord>;

  private constructor(
    name: string,
    tables: Tables,
    effects: LogEffects,
    topic: TopicRecord,
    { groups, readers }: MemberNames,
    stored?: Buffer,
  ) {
    this.name = name;
    this.#tables = tables;
    this.#effects = effects;
    this.#topic = topic;
    this.#stored = stored;
    this.#messages = new StoredMessages({ name, topic, tables, effects });
    this.#letters = new StoredLetters(tables.dead, topic);
    this.#groups = new Members({
      table: tables.groups,
      topic: topic.number,
      names: groups,
      decode: (group, stored) => StoredGroup.load(group, tables, stored),
      encode: (group) => group.save(),
    });
    this.#readers = new Members({
      table: tables.readers,
      topic: topic.number,
      names: readers,
      decode: (_, stored) => readerRecord.decode(stored),
      encode: (reader) => readerRecord.encode(reader),
    });
  }

  static load(name: string, tables: Tables, effects: LogEffects): StoredLog | undefined {
    checkName('topic', name);
    const stored = readRow(tables.topics, Buffer.from(name));
    if (!stored) return undefined;
    const topic = topicRecord.decode(stored);
    return new StoredLog(name, tables, effects, topic, effects.members(topic), stored);
  }

  /** A group alone, with the head of its topic: for the many looks of who waits. */
  static loadGroup(
    name: string,
    groupName: string,
    tables: Tables,
  ): { readonly head: number; readonly group: StoredGroup | undefined } | undefined {
    const stored = readRow(tables.topics, Buffer.from(name));
    if (!stored) return undefined;
    const { number, head } = topicRecord.decode(stored);
    const row = readRow(tables.groups, nameKey(number, groupName));
    return { head, group: row && StoredGroup.load(groupName, tables, row) };
  }

  static create(name: string, tables: Tables, effects: LogEffects, dedupeWindow: number): StoredLog {
    const topic = {
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
      members: effects.nextNumber(),
      holds: 0,
      heldFrom: 0,
    };
    return new StoredLog(name, tables, effects, topic, { groups: [], readers: [] });
  }

  /** Its rows carry it. */
  get number(): number {
    return this.#topic.number;
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
    return this.#messages.retains;
  }

  /** Whether there are such messages. */
  get hasSpare(): boolean {
    return this.#messages.hasSpare;
  }

  /** Whether settling a message may let a strict consumer go on. */
  get strict(): boolean {
    for (const [, { strict }] of this.#groups) if (strict) return true;
    return false;
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  hasReader(reader: string): boolean {
    return this.#readers.has(reader);
  }

  declare({ groups = [], readers = [], maxBytes, onFull, retain }: TopicDeclaration): void {
    const [grouped] = [...this.#groups.names, ...groups];
    if (grouped !== undefined && (onFull ?? this.onFull) === 'replace') throw replaceWithGroup(this.name, grouped);
    const { head } = this.#topic;
    const members = this.#groups.size + this.#readers.size;
    for (const name of groups)
      if (!this.#groups.has(name)) this.#groups.add(name, StoredGroup.create(name, this.#tables, this.#effects.nextNumber(), head));
    const start = this.#messages.has(head) ? head - 1 : head;
    for (const name of readers) if (!this.#readers.has(name)) this.#readers.add(name, { start, cursor: start, delivered: 0, skipped: 0 });
    if (this.#groups.size + this.#readers.size > members) this.#otherMembers();
    this.#topic.maxBytes = maxBytes ?? this.#topic.maxBytes;
    if (onFull) this.#topic.onFull = onFullNames.indexOf(onFull);
    if (retain) Object.assign(this.#topic, retentionOf(retain, this.#topic.maxBytes));
    // More readers, more of the newest to jump to.
    for (let seq = head; seq > head - this.#kept; seq--) this.#messages.unspare(seq);
    this.trim();
  }

  /** The position of a message that was published before. */
  known(id: string): number | undefined {
    const { number, head, dedupeWindow } = this.#topic;
    return this.#effects.recentIds(number).find(id, head, dedupeWindow);
  }

  /** @param entry - gives the message, encoded; `payloadKey` stands in it. */
  push({ id, meta, payload }: OutgoingMessage, payloadKey: Buffer | undefined, entry: () => Uint8Array): PushReceipt {
    const topic = this.#topic;
    const known = this.known(id);
    if (known !== undefined) {
      if (payloadKey) this.#effects.freed.push(payloadKey);
      return { seq: known, duplicate: true };
    }
    const seq = ++topic.head;
    this.#messages.add(seq, entry(), meta.length + payload.length);
    this.#effects.recentIds(topic.number).add(id, seq, topic.dedupeWindow);
    this.#freeUnlessNeeded(seq - this.#kept);
    if (this.hasSpare) this.trim(Date.now());
    // Without a group there is nothing to wait for: the newest takes the place of the others.
    if (!this.hasGroups) for (let old = seq - this.#kept + 1; old < seq && topic.bytes > topic.maxBytes; old++) this.#messages.delete(old);
    return { seq, duplicate: false };
  }

  /** Takes messages, which stay where they are until they are settled. `owner` from {@link enlist}. */
  pop(group: string, owner: Owner, count: number, strict: boolean, now: number): Ticket[] {
    return this.#group(group).take(owner, { head: this.#topic.head, count, strict, now });
  }

  /** Whether a pop would find something, and if not, when a message that waits becomes due. */
  ready(group: string, strict: boolean, now: number): ReturnType<StoredGroup['ready']> {
    return this.#group(group).ready(this.#topic.head, strict, now);
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
    if (head <= reader.cursor || !this.#messages.has(head)) return undefined;
    const skipped = head - reader.cursor - 1;
    reader.skipped += skipped;
    reader.delivered++;
    reader.cursor = head;
    const entry = this.#messages.get(head);
    if (entry.payloadKey) this.#messages.holds.add(head, session, readerName, entry.payloadKey);
    return { seq: head, entry, skipped };
  }

  /** What is stored, in order. */
  range(request?: RangeRequest): StoredRange {
    return this.#messages.range(request);
  }

  /** Frees the oldest of what nobody needs: beyond the bytes of the topic, and beyond what it retains. @param time - the wall clock. */
  trim(time?: number): void {
    this.#messages.trim(time);
  }

  /** Frees at least so many bytes of what nobody needs, or all of it. */
  giveWay(bytes: number): void {
    this.#messages.giveWay(bytes);
  }

  /** A reader looks at the payload of a message no more. */
  letGo(readerName: string, session: number, seq: number): void {
    const payloadKey = this.#messages.holds.letGo(seq, session, readerName);
    if (payloadKey) this.#effects.freed.push(payloadKey);
  }

  /** Lets go for those who do not live any more. */
  reapHolds(now: number): void {
    this.#effects.freed.push(...this.#messages.holds.reap((session) => lives(this.#tables.sessions, session, now)));
  }

  /** Whether there is a message that the reader has not had. */
  hasNewer(readerName: string): boolean {
    return this.#topic.head > (this.#readers.get(readerName)?.cursor ?? Infinity);
  }

  /** Number of a consumer, once it has popped. */
  consumer(group: string, name: string): Owner | undefined {
    return this.#group(group).consumer(name);
  }

  /** Makes a consumer known as living in a session; with `takeBack`, what another session had open becomes due. */
  enlist(group: string, name: string, session: number, takeBack: boolean): Owner {
    return this.#group(group).enlist(name, session, takeBack);
  }

  /** Gives what dead consumers had open to others. */
  reap(group: string, now: number): number {
    return this.#group(group).reap(now);
  }

  owns(group: string, owner: Owner | undefined, ticket: Ticket): boolean {
    return this.#group(group).owns(owner, ticket);
  }

  ack(groupName: string, owner: Owner | undefined, ticket: Ticket): boolean {
    const group = this.#group(groupName);
    if (!group.owns(owner, ticket)) return false;
    group.acked(ticket.seq);
    this.#freeUnlessNewest(ticket.seq);
    return true;
  }

  /** @param time - milliseconds since the epoch, for people; `now` is the log's clock. */
  nack(groupName: string, owner: Owner | undefined, ticket: Ticket, failure: Failure, now: number, time: number): boolean {
    const group = this.#group(groupName);
    if (!group.owns(owner, ticket)) return false;
    const { seq, token } = ticket;
    const firstTime = group.firstFailure(seq) ?? time;
    if (failure.retryAfterMs !== undefined) {
      group.noteFailure(seq, firstTime);
      group.wait(seq, token, now + failure.retryAfterMs);
    } else this.#bury(group, ticket, failure, firstTime, time);
    return true;
  }

  release(groupName: string, owner: Owner | undefined, seqs?: readonly number[]): void {
    if (owner) this.#group(groupName).release(owner, handedBack, seqs);
  }

  /** After a reboot the stored times mean nothing: all that waits is due, and nobody lives. */
  forgetTimes(): void {
    for (const [, group] of this.#groups) group.forgetTimes();
  }

  deadLetters(options?: DeadLetterOptions): ReturnType<StoredLetters['list']> {
    return this.#letters.list(options);
  }

  /** Gives dead letters back to their groups; returns how many. */
  redrive(letters: readonly number[]): number {
    let count = 0;
    for (const letter of letters) {
      const found = this.#letters.get(letter);
      const group = found && this.#groups.get(found.group);
      // A group that was dropped and declared again is another one, and begins later.
      if (!found || !group || found.seq <= group.start) continue;
      this.#messages.restore(found.seq, found);
      group.revived(found.seq, redriven(found.token));
      this.#letters.remove(letter);
      count++;
    }
    return count;
  }

  /** Deletes dead letters; returns how many there were. */
  dropDeadLetters(letters: readonly number[]): number {
    let count = 0;
    for (const letter of letters) {
      const found = this.#letters.get(letter);
      if (!found) continue;
      if (found.payloadKey) this.#messages.discard(found.seq, found.payloadKey);
      this.#letters.remove(letter);
      count++;
    }
    return count;
  }

  /** Forgets a group, and frees what only it needed; returns how many of its messages were not settled. */
  dropGroup(groupName: string): number {
    const group = this.#group(groupName);
    const { open, unread } = group.stats(this.#topic.head);
    group.clear();
    this.#groups.delete(groupName);
    this.#otherMembers();
    this.#freeAllUnlessNewest();
    return open + unread;
  }

  /** Forgets a reader, and frees what only it needed. */
  dropReader(readerName: string): void {
    if (!this.#readers.delete(readerName)) return;
    this.#otherMembers();
    this.#freeAllUnlessNewest();
  }

  stats(): TopicStats {
    const { head, entries, bytes, deadLetters } = this.#topic;
    const groups: Record<string, GroupStats> = {};
    for (const [name, group] of this.#groups) groups[name] = group.stats(head);
    const readers: Record<string, ReaderStats> = {};
    for (const [name, { start, cursor, delivered, skipped }] of this.#readers)
      readers[name] = { published: head - start, delivered, skipped, waiting: head - cursor };
    return { topic: this.name, published: head, entries, bytes, deadLetters, groups, readers };
  }

  save(): void {
    const { number, dedupeWindow } = this.#topic;
    this.#effects.recentIds(number).save(dedupeWindow);
    const row = topicRecord.encode(this.#topic);
    if (!this.#stored || !row.equals(this.#stored)) this.#tables.topics.putSync(Buffer.from(this.name), row);
    this.#groups.save();
    this.#readers.save();
  }

  get #kept(): number {
    return keptNewest(this.#readers.size, this.#groups.size);
  }

  /** Others, who know them by their number, look for them again. */
  #otherMembers(): void {
    this.#topic.members = this.#effects.nextNumber();
  }

  #group(name: string): StoredGroup {
    const group = this.#groups.get(name);
    if (!group) throw new Error(`group '${name}' is unknown`);
    return group;
  }

  /** Makes a dead letter of a message. */
  #bury(group: StoredGroup, { seq, token }: Ticket, { error, stack }: Failure, firstTime: number, deadTime: number): void {
    const entry = this.#messages.get(seq);
    // The letter takes the payload over where nobody else needs it: no copy, and no room that a full store lacks.
    const alone = seq <= this.#topic.head - this.#kept && !this.#needed(seq, group);
    const copied = entry.payloadKey && !(alone && !this.retains) ? this.#messages.copyPayload(entry.payloadKey, alone) : undefined;
    const moves = alone && (!this.retains || (entry.payloadKey !== undefined && !copied));
    this.#letters.add(
      { ...entry, seq, token, group: group.name, error, stack, attempts: attemptOf(token), firstTime, deadTime },
      moves ? entry.payloadKey : copied,
    );
    group.buried(seq);
    if (moves) this.#messages.remove(seq);
    else if (this.retains) this.#freeUnlessNewest(seq);
  }

  /** Whether a group has a message unread or open, other than one. */
  #needed(seq: number, other?: StoredGroup): boolean {
    for (const [, group] of this.#groups) if (group !== other && group.needs(seq)) return true;
    return false;
  }

  #freeUnlessNeeded(seq: number): void {
    if (seq >= 1 && !this.#needed(seq)) this.#messages.free(seq);
  }

  #freeUnlessNewest(seq: number): void {
    if (seq > this.#topic.head - this.#kept) return;
    this.#freeUnlessNeeded(seq);
    if (this.hasSpare) this.trim();
  }

  #freeAllUnlessNewest(): void {
    for (const seq of this.#messages.seqs()) this.#freeUnlessNewest(seq);
  }
}
