import type {
  DeadLetter,
  DeliveredMessage,
  Failure,
  GroupStats,
  OnFull,
  PushReceipt,
  ReaderStats,
  Ticket,
  TopicDeclaration,
  TopicStats,
} from '../broker.js';
import { defaultMaxBytes, keptNewest, messageBytes, topicUndeclared } from '../options.js';
import { attemptOf, firstToken, handedBack, nextToken } from '../token.js';
import type { OutgoingMessage, ReceivedMessage } from '../../message.js';

interface OpenMessage {
  token: number;
  /** undefined while it waits for redelivery. */
  owner: string | undefined;
  /** When it may be delivered again, by the log's clock. */
  due: number;
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
  readonly #deadLetters: DeadLetter[] = [];
  #head = 0;
  #bytes = 0;
  #maxBytes = defaultMaxBytes;
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

  get deadLetters(): readonly DeadLetter[] {
    return this.#deadLetters;
  }

  declare({ groups = [], readers = [], maxBytes, onFull }: TopicDeclaration): void {
    for (const group of groups) {
      if (!this.#groups.has(group)) this.#groups.set(group, { start: this.#head, cursor: this.#head, acked: 0, dead: 0, open: new Map() });
    }
    for (const reader of readers) {
      const start = this.#entries.has(this.#head) ? this.#head - 1 : this.#head;
      if (!this.#readers.has(reader)) this.#readers.set(reader, { start, cursor: start, delivered: 0, skipped: 0 });
    }
    this.#maxBytes = maxBytes ?? this.#maxBytes;
    this.#onFull = onFull ?? this.#onFull;
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  hasReader(reader: string): boolean {
    return this.#readers.has(reader);
  }

  /** Whether a push must wait: the limit is reached, and a group needs what is stored. */
  get full(): boolean {
    return this.#groups.size > 0 && this.#bytes >= this.#maxBytes;
  }

  push(message: OutgoingMessage): PushReceipt {
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
    return { seq, duplicate: false };
  }

  pop(groupName: string, consumer: string, count: number, strict: boolean, now: number): DeliveredMessage[] {
    const group = this.#group(groupName);
    const taken: DeliveredMessage[] = [];
    const take = (seq: number, token: number): void => {
      const entry = this.#entries.get(seq);
      if (!entry) throw new Error(`message ${seq} of '${this.name}' is gone while group '${groupName}' needs it`);
      group.open.set(seq, { token, owner: consumer, due: Infinity });
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

  popLatest(readerName: string): ReceivedMessage | undefined {
    const reader = this.#readers.get(readerName);
    if (!reader) throw new Error(`reader '${readerName}' is unknown`);
    const newest = this.#entries.get(this.#head);
    if (!newest || newest.seq <= reader.cursor) return undefined;
    reader.skipped += newest.seq - reader.cursor - 1;
    reader.delivered++;
    reader.cursor = newest.seq;
    return newest;
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

  nack(groupName: string, consumer: string, ticket: Ticket, failure: Failure, now: number, deadTime: number): boolean {
    const group = this.#group(groupName);
    if (!this.#owns(group, consumer, ticket)) return false;
    if (failure.retryAfterMs !== undefined) {
      group.open.set(ticket.seq, { token: ticket.token, owner: undefined, due: now + failure.retryAfterMs });
      return true;
    }
    const entry = this.#entries.get(ticket.seq);
    if (!entry) return false;
    this.#deadLetters.push({ ...entry, group: groupName, error: failure.error, attempts: attemptOf(ticket.token), deadTime });
    group.open.delete(ticket.seq);
    group.dead++;
    this.#freeUnlessNewest(ticket.seq);
    return true;
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
      deadLetters: this.#deadLetters.length,
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

  #freeUnlessNewest(seq: number): void {
    if (seq <= this.#head - this.#kept) this.#free(seq);
  }

  /** Deletes a message that no group needs. */
  #free(seq: number): void {
    const entry = this.#entries.get(seq);
    if (!entry) return;
    for (const group of this.#groups.values()) if (seq > group.start && (seq > group.cursor || group.open.has(seq))) return;
    this.#entries.delete(seq);
    this.#bytes -= messageBytes(entry);
  }
}
