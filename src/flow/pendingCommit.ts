import type { Broker, Commit, CommitResult, GroupConsumer, Publication, Ticket } from '../brokers/broker.js';
import { messageBytes } from '../brokers/options.js';
import { observerOf } from './runtime.js';

/**
 * What a commit came to for one of the deliveries that it settles: it happened; or nothing was published, as the
 * delivery's own message is another consumer's by now (`fenced`), as something else stood in the way (`dropped`: the
 * message is to be handed back), or as the broker does not take what was to be published (`refused`).
 */
type CommitOutcome = 'committed' | 'fenced' | 'dropped' | { readonly refused: unknown };

/** One delivery's part in a commit. */
export interface CommitPart {
  /** What acks the delivery; undefined where there is nothing to ack. */
  readonly ack?: GroupConsumer & Ticket & { readonly topic: string };
  /** Aborted: the commit is dropped if it has not happened. */
  readonly cut: AbortSignal;
  /** Called once. */
  readonly onOutcome: (outcome: CommitOutcome) => void;
}

/** What is to be published in one step with the settlement of a delivery, or of several that settle together. */
export class PendingCommit {
  readonly messages: readonly Publication[];
  readonly topics: ReadonlySet<string>;
  readonly bytes: number;
  readonly #broker: Broker;
  readonly #parts: CommitPart[] = [];

  constructor(broker: Broker, messages: readonly Publication[]) {
    this.#broker = broker;
    this.messages = messages;
    this.topics = new Set(messages.map(({ topic }) => topic));
    this.bytes = messages.reduce((sum, { message }) => sum + messageBytes(message), 0);
  }

  get parts(): readonly CommitPart[] {
    return this.#parts;
  }

  /** Whether a source that takes part has ended. */
  get cut(): boolean {
    return this.#parts.some(({ cut }) => cut.aborted);
  }

  join(part: CommitPart): void {
    this.#parts.push(part);
  }

  committed(): void {
    const observer = observerOf(this.#broker);
    for (const { topic } of this.messages) observer?.published(topic);
    for (const { onOutcome } of this.#parts) onOutcome('committed');
  }

  /** Nothing was published. */
  dropped(fenced: CommitResult['fenced'] = []): void {
    for (const { ack, onOutcome } of this.#parts) {
      const own = fenced.some(({ topic, seq, token }) => topic === ack?.topic && seq === ack.seq && token === ack.token);
      onOutcome(own ? 'fenced' : 'dropped');
    }
  }

  /** The broker will never take it. */
  refused(error: unknown): void {
    for (const { onOutcome } of this.#parts) onOutcome({ refused: error });
  }
}

/** Several commits as the broker takes them: in one step. */
export function asOne(commits: readonly PendingCommit[]): Commit {
  const byConsumer = new Map<string, Commit['acks'][number] & { readonly tickets: Ticket[] }>();
  for (const { ack } of commits.flatMap(({ parts }) => parts)) {
    if (!ack) continue;
    const { topic, group, consumer, seq, token } = ack;
    const key = `${topic} ${group} ${consumer}`;
    const acks = byConsumer.get(key) ?? { topic, group, consumer, tickets: [] };
    acks.tickets.push({ seq, token });
    byConsumer.set(key, acks);
  }
  return { acks: [...byConsumer.values()], messages: commits.flatMap(({ messages }) => messages) };
}
