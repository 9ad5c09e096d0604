import type { Commit, CommitResult, GroupConsumer } from '../broker.js';
import { defaultMaxBytes } from '../options.js';
import { blobKeys } from './blobs.js';
import { commands } from './command.js';
import type { Connections } from './connections.js';
import { undeclared } from './declared.js';
import { Outbox } from './outbox.js';
import type { Outcome, Waiting } from './outbox.js';
import { writeRecord } from './record.js';
import { asList } from './reply.js';
import type { Reply } from './reply.js';
import { ticketRuns } from './ticketRuns.js';

/** What the script answers for a commit. */
const state = { full: 0, committed: 1, fenced: 2, undeclared: 3 } as const;

/** {@link GroupClient.headOf} of a message that a consumer has open. */
export type HeadOf = (topic: string, consumer: GroupConsumer, seq: number) => string;

/** The commits of a client. */
export class Committer extends Outbox<CommitResult> {
  readonly #headOf: HeadOf;

  constructor(open: () => Promise<Connections>, headOf: HeadOf) {
    super(open);
    this.#headOf = headOf;
  }

  commit(commit: Commit, signal: AbortSignal | undefined): Promise<CommitResult> {
    return this.add(commit, signal);
  }

  protected async send(batch: readonly Waiting<CommitResult>[]): Promise<Outcome> {
    const { control, blobs, keys, dedupeWindow } = this.context;
    const topics = [...new Set(batch.flatMap(({ commit }) => [...commit.acks, ...commit.messages].map(({ topic }) => topic)))];
    const places = new Map(topics.map((topic, i) => [topic, i + 1]));
    const [first = '', ...others] = topics.map((topic) => keys.topic(topic));
    const values = [
      dedupeWindow,
      defaultMaxBytes,
      topics.length,
      ...topics,
      ...batch.flatMap((waiting) => write(waiting, places, this.#headOf)),
    ];
    const reply = asList(await control.run(commands.commit, [first, keys.trash, keys.topics, ...others], values));
    blobs.discard(blobKeys(reply[1]));

    const answers = asList(reply[0]).map(asList);
    const full = answers.find(([answer]) => answer === state.full);
    const done = answers.length - (full ? 1 : 0);
    const refused = batch.slice(0, done).filter((_, i) => answers[i]?.[0] !== state.committed);
    await blobs.remove(refused.flatMap(({ parts }) => parts.filter((part) => part !== undefined)));
    for (const [i, waiting] of batch.slice(0, done).entries()) settle(waiting, answers[i] ?? []);
    return { done, full: full && topics[Number(full[1]) - 1] };
  }

  /** Each commit that finds no room is rejected for itself: those behind it may publish to other topics. */
  protected refused(queue: Waiting<CommitResult>[]): Waiting<CommitResult>[] {
    const first = queue.findIndex(({ settled }) => !settled);
    return first < 0 ? [] : queue.splice(0, first + 1).slice(first);
  }
}

/** Values of a commit, as commit-N.lua reads them. */
function write(
  { commit, parts, token, repeated }: Waiting<CommitResult>,
  places: ReadonlyMap<string, number>,
  headOf: HeadOf,
): (string | number | Buffer)[] {
  const { acks, messages } = commit;
  const place = (topic: string): number => places.get(topic) ?? 0;
  const values: (string | number | Buffer)[] = [repeated ? 1 : 0, acks.length, messages.length];
  for (const { topic, group, consumer, tickets } of acks) {
    const runs = ticketRuns(tickets, (seq) => headOf(topic, { group, consumer }, seq));
    values.push(place(topic), group, consumer, runs.length, ...runs.flat());
  }
  for (const [i, { topic, message }] of messages.entries())
    values.push(place(topic), message.id, writeRecord(message, parts[i]?.key, token));
  return values;
}

function settle({ commit, resolve, reject }: Waiting<CommitResult>, [answer, detail, lacking]: readonly Reply[]): void {
  if (answer === state.committed) resolve({ committed: true, fenced: [] });
  else if (answer === state.fenced) {
    const tickets = commit.acks.flatMap(({ topic, tickets }) => tickets.map(({ seq, token }) => ({ seq, token, topic })));
    resolve({ committed: false, fenced: asList(detail).flatMap((index) => tickets[Number(index)] ?? []) });
  } else {
    const unknown = commit.acks[Number(detail)];
    reject(undeclared(lacking, unknown?.topic ?? '', `group '${unknown?.group}'`));
  }
}
