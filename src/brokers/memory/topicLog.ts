import type {
  DeadLetter,
  DeadLetterOptions,
  DeliveredMessage,
  Failure,
  GroupStats,
  LatestMessage,
  MessageRange,
  OnFull,
  PushReceipt,
  RangeRequest,
  ReaderStats,
  Ticket,
  TopicDeclaration,
  TopicStats,
} from '../broker.js';
import {
  defaultMaxBytes,
  fullLetters,
  fullRange,
  keptNewest,
  messageBytes,
  nothingRetained,
  replaceWithGroup,
  retentionOf,
  topicUndeclared,
} from '../options.js';
import { attemptOf, firstToken, handedBack, nextToken, redriven } from '../token.js';
import type { OutgoingMessage, ReceivedMessage } from '../../message.js';
import { SpareMessages } from './spareMessages.js';

interface OpenMessage {
  token: number;
  /** undefined while it waits for redelivery. */
  owner: string | undefined;
  /** When it may be delivered again, by the log's clock. */
  due: number;
  /** When it first failed; undefined while it never did. */
  failedTime: number | undefined;
}

/** A dead letter, with what gives its message back. */
interface StoredLetter extends DeadLetter {
  readonly token: number;
}

interface Group {
  /** Position before the first message of the group. */
  readonly start: number;
  /** Last position handed out. */
  cursor: number;
  acked: number;
  dead: number;
  readonly open: Map<number, OpenMessage>;
}

interface Reader {
  readonly start: number;
  cursor: number;
  delivered: number;
  skipped: number;
}

/**
 * The rules of one topic, as plain and synchronous code: the executable model of the contract. The stored brokers do the
 * same in a transaction or a script.
 */
export class TopicLog {
  readonly name: string;
  readonly #dedupeWindow: number;
  readonly #entries = new Map<number, ReceivedMessage>();
  readonly #seqOfId = new Map<string, number>();
  readonly #groups = new Map<string, Group>();
  readonly #readers = new Map<string, Reader>();
  readonly #deadLetters = new Map<number, StoredLetter>();
  #lastLetter = 0;
  #head = 0;
  #bytes = 0;
  #maxBytes = defaultMaxBytes;
  #retention = nothingRetained;
  readonly #spare = new SpareMessages();
  #onFull: OnFull = 'wait';

  constructor(name: string, dedupeWindow: number) {
    this.name = name;
    this.#dedupeWindow = dedupeWindow;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  get onFull(): OnFull {
    return this.#onFull;
  }

  deadLetters(options?: DeadLetterOptions): DeadLetter[] {
    const { after, limit } = fullLetters(options);
    const letters = [...this.#deadLetters.values()].filter(({ letter }) => letter > after);
    return letters.slice(0, limit).map(asDeadLetter);
  }

  declare({ groups = [], readers = [], maxBytes, onFull, retain }: TopicDeclaration): void {
    const [group] = [...this.#groups.keys(), ...groups];
    if (group !== undefined && (onFull ?? this.#onFull) === 'replace') throw replaceWithGroup(this.name, group);
    for (const group of groups) {
      if (!this.#groups.has(group)) this.#groups.set(group, { start: this.#head, cursor: this.#head, acked: 0, dead: 0, open: new Map() });
    }
    for (const reader of readers) {
      const start = this.#entries.has(this.#head) ? this.#head - 1 : this.#head;
      if (!this.#readers.has(reader)) this.#readers.set(reader, { start, cursor: start, delivered: 0, skipped: 0 });
    }
    this.#maxBytes = maxBytes ?? this.#maxBytes;
    this.#onFull = onFull ?? this.#onFull;
    if (retain) this.#retention = retentionOf(retain, this.#maxBytes);
    // More readers, more of the newest to jump to.
    for (let seq = this.#head; seq > this.#head - this.#kept; seq--) this.#spare.delete(seq);
    this.trim();
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  hasReader(reader: string): boolean {
    return this.#readers.has(reader);
  }

  /** Whether a push must wait: the limit is reached, and a group needs what is stored. */
  get full(): boolean {
    return this.#groups.size > 0 && this.#bytes - this.#spare.bytes >= this.#maxBytes;
  }

  /** @param time - the wall clock, by which retention ends. */
  push(message: OutgoingMessage, time = -Infinity): PushReceipt {
    const known = this.#seqOfId.get(message.id);
    if (known !== undefined) return { seq: known, duplicate: true };
    const seq = ++this.#head;
    this.#entries.set(seq, { ...message, seq });
    this.#bytes += messageBytes(message);
    this.#seqOfId.set(message.id, seq);
    if (this.#seqOfId.size > this.#dedupeWindow) {
      for (const oldest of this.#seqOfId.keys()) {
        this.#seqOfId.delete(oldest);
        break;
      }
    }
    this.#free(seq - this.#kept);
    this.trim(time);
    // Without a group there is nothing to wait for: the newest takes the place of the others.
    if (this.#groups.size === 0) for (let old = seq - this.#kept + 1; old < seq && this.#bytes > this.#maxBytes; old++) this.#remove(old);
    return { seq, duplicate: false };
  }

  /** Whether a message of this id was published before. */
  knows(id: string): boolean {
    return this.#seqOfId.has(id);
  }

  pop(groupName: string, consumer: string, count: number, strict: boolean, now: number): DeliveredMessage[] {
    const group = this.#group(groupName);
    const taken: DeliveredMessage[] = [];
    const take = (seq: number, token: number): void => {
      const entry = this.#entries.get(seq);
      if (!entry) throw new Error(`message ${seq} of '${this.name}' is gone while group '${groupName}' needs it`);
      group.open.set(seq, { token, owner: consumer, due: Infinity, failedTime: group.open.get(seq)?.failedTime });
      taken.push({ ...entry, token, attempt: attemptOf(token) });
    };
    for (const [seq, open] of [...group.open].sort(([a], [b]) => a - b)) {
      if (taken.length >= count) break;
      const due = open.owner === undefined && open.due <= now;
      if (due) take(seq, nextToken(open.token));
      else if (strict) return taken;
    }
    while (taken.length < count && group.cursor < this.#head) take(++group.cursor, firstToken);
    return taken;
  }

  /** When the next message of the group becomes due for redelivery; Infinity for none. */
  nextDue(groupName: string): number {
    let due = Infinity;
    for (const open of this.#group(groupName).open.values()) if (open.owner === undefined) due = Math.min(due, open.due);
    return due;
  }

  popLatest(readerName: string): LatestMessage | undefined {
    const reader = this.#readers.get(readerName);
    if (!reader) throw new Error(`reader '${readerName}' is unknown`);
    const newest = this.#entries.get(this.#head);
    if (!newest || newest.seq <= reader.cursor) return undefined;
    const skipped = newest.seq - reader.cursor - 1;
    reader.skipped += skipped;
    reader.delivered++;
    reader.cursor = newest.seq;
    return { ...newest, skipped };
  }

  /** What is stored, in order. */
  range(request: RangeRequest = {}): MessageRange {
    const { after, from, to, limit, maxBytes } = fullRange(request);
    const wanted = [...this.#entries.values()]
      .filter(({ seq, time }) => seq > after && time >= from && time <= to)
      .sort((one, two) => one.seq - two.seq);
    let bytes = 0;
    const full = wanted.findIndex((message, index) => index >= limit || ((bytes += messageBytes(message)) > maxBytes && index > 0));
    const messages = full < 0 ? wanted : wanted.slice(0, full);
    return { messages, next: full < 0 ? undefined : messages.at(-1)?.seq, retains: this.#retains };
  }

  /** Frees the oldest of what nobody needs: beyond the bytes of the topic, and beyond what it retains. */
  trim(time = -Infinity): void {
    const { retainMs, retainBytes } = this.#retention;
    for (let seq = this.#spare.oldest; seq !== undefined; seq = this.#spare.oldest) {
      const fits = this.#spare.bytes <= retainBytes && this.#bytes <= this.#maxBytes && this.#retains;
      if (fits && !((this.#entries.get(seq)?.time ?? 0) < time - retainMs)) return;
      this.#remove(seq);
    }
  }

  /** Whether a ticket is the consumer's. */
  owns(groupName: string, consumer: string, ticket: Ticket): boolean {
    return this.#owns(this.#group(groupName), consumer, ticket);
  }

  /** Acks if the ticket is still the consumer's. */
  ack(groupName: string, consumer: string, ticket: Ticket): boolean {
    const group = this.#group(groupName);
    if (!this.#owns(group, consumer, ticket)) return false;
    group.open.delete(ticket.seq);
    group.acked++;
    this.#freeUnlessNewest(ticket.seq);
    return true;
  }

  /** @param time - milliseconds since the epoch, for people; `now` is the log's clock. */
  nack(groupName: string, consumer: string, ticket: Ticket, failure: Failure, now: number, time: number): boolean {
    const group = this.#group(groupName);
    const { seq, token } = ticket;
    const open = group.open.get(seq);
    if (!open || !this.#owns(group, consumer, ticket)) return false;
    const { error, stack, retryAfterMs } = failure;
    const firstTime = open.failedTime ?? time;
    if (retryAfterMs !== undefined) {
      group.open.set(seq, { token, owner: undefined, due: now + retryAfterMs, failedTime: firstTime });
      return true;
    }
    const entry = this.#entries.get(seq);
    if (!entry) return false;
    const letter = ++this.#lastLetter;
    const attempts = attemptOf(token);
    this.#deadLetters.set(letter, { ...entry, letter, group: groupName, error, stack, attempts, firstTime, deadTime: time, token });
    group.open.delete(seq);
    group.dead++;
    this.#freeUnlessNewest(ticket.seq);
    return true;
  }

  /** Gives dead letters back to their groups. */
  redrive(letters: readonly number[]): number {
    let count = 0;
    for (const number of letters) {
      const found = this.#deadLetters.get(number);
      const group = found && this.#groups.get(found.group);
      // A group that was dropped and declared again is another one, and begins later.
      if (!found || !group || found.seq <= group.start) continue;
      const { id, time, meta, payload, seq, token } = found;
      if (!this.#entries.has(seq)) {
        this.#entries.set(seq, { id, time, meta, payload, seq });
        this.#bytes += messageBytes(found);
      }
      this.#spare.delete(seq);
      group.open.set(seq, { token: redriven(token), owner: undefined, due: -Infinity, failedTime: undefined });
      group.dead--;
      this.#deadLetters.delete(number);
      count++;
    }
    return count;
  }

  dropDeadLetters(letters: readonly number[]): number {
    return letters.filter((letter) => this.#deadLetters.delete(letter)).length;
  }

  /** Forgets a group; returns how many messages it had not settled. */
  dropGroup(name: string): number {
    const group = this.#group(name);
    const unsettled = group.open.size + this.#head - group.cursor;
    this.#groups.delete(name);
    for (const seq of [...this.#entries.keys()]) this.#freeUnlessNewest(seq);
    return unsettled;
  }

  dropReader(name: string): void {
    this.#readers.delete(name);
    for (const seq of [...this.#entries.keys()]) this.#freeUnlessNewest(seq);
  }

  /** Makes due what a consumer had open that died; unlike what it hands back, those deliveries count as attempts. */
  takeBack(groupName: string, consumer: string): void {
    for (const open of this.#group(groupName).open.values()) {
      if (open.owner !== consumer) continue;
      open.owner = undefined;
      open.due = -Infinity;
    }
  }

  /** Makes what the consumer has open due at once. */
  release(groupName: string, consumer: string, seqs?: readonly number[]): void {
    for (const [seq, open] of this.#group(groupName).open) {
      if (open.owner !== consumer || (seqs && !seqs.includes(seq))) continue;
      open.token = handedBack(open.token);
      open.owner = undefined;
      open.due = -Infinity;
    }
  }

  stats(): TopicStats {
    const groups: Record<string, GroupStats> = {};
    for (const [name, { start, cursor, acked, dead, open }] of this.#groups)
      groups[name] = { published: this.#head - start, acked, dead, open: open.size, unread: this.#head - cursor };
    const readers: Record<string, ReaderStats> = {};
    for (const [name, { start, cursor, delivered, skipped }] of this.#readers)
      readers[name] = { published: this.#head - start, delivered, skipped, waiting: this.#head - cursor };
    return {
      topic: this.name,
      published: this.#head,
      entries: this.#entries.size,
      bytes: this.#bytes,
      deadLetters: this.#deadLetters.size,
      groups,
      readers,
    };
  }

  get #kept(): number {
    return keptNewest(this.#readers.size, this.#groups.size);
  }

  #group(name: string): Group {
    const group = this.#groups.get(name);
    if (!group) throw topicUndeclared(this.name, `group '${name}'`);
    return group;
  }

  #owns(group: Group, consumer: string, ticket: Ticket): boolean {
    const open = group.open.get(ticket.seq);
    return open?.owner === consumer && open.token === ticket.token;
  }

  get #retains(): boolean {
    return this.#retention.retainBytes > 0;
  }

  #freeUnlessNewest(seq: number): void {
    if (seq > this.#head - this.#kept) return;
    this.#free(seq);
    this.trim();
  }

  /** Deletes a message that no group needs, or keeps it for a while. */
  #free(seq: number): void {
    const entry = this.#entries.get(seq);
    if (!entry) return;
    for (const group of this.#groups.values()) if (seq > group.start && (seq > group.cursor || group.open.has(seq))) return;
    if (this.#retains) this.#spare.add(seq, messageBytes(entry));
    else this.#remove(seq);
  }

  #remove(seq: number): void {
    const entry = this.#entries.get(seq);
    if (!entry) return;
    this.#spare.delete(seq);
    this.#entries.delete(seq);
    this.#bytes -= messageBytes(entry);
  }
}

/** A letter as it is shown. */
function asDeadLetter({
  id,
  time,
  meta,
  payload,
  letter,
  seq,
  group,
  error,
  stack,
  attempts,
  firstTime,
  deadTime,
}: StoredLetter): DeadLetter {
  return { id, time, meta, payload, letter, seq, group, error, stack, attempts, firstTime, deadTime };
}
