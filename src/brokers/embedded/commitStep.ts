import { EdgeFlowError, hasCode } from '../../errors.js';
import type { Acknowledgement, CommitResult, Publication, PushReceipt } from '../broker.js';
import { checksum } from '../checksum.js';
import type { Change } from './change.js';
import { withGroup } from './declared.js';
import { encodeEntry, inlineBytes } from './entry.js';
import type { Gate, Logs } from './gate.js';
import type { Payloads } from './payloads.js';
import type { StoredLog } from './storedLog.js';

/** A message on its way into a topic. */
export interface Output extends Publication {
  /** Where the payload was put, when it is too large for the entry. */
  payloadKey: Buffer | undefined;
  /** undefined until it is taken: outside the transaction, whose lock all processes share. */
  checksum: number | undefined;
  /** What the topic will store; encoded outside too. */
  entry: Buffer | undefined;
}

/** Tickets to settle and messages to publish in one step. A push is one message and no tickets. */
export interface Step {
  readonly acks: readonly Acknowledgement[];
  readonly outputs: readonly Output[];
}

/** What a step came to. */
export interface Outcome extends Pick<CommitResult, 'fenced'> {
  /** Of each output; none where a ticket was fenced. */
  readonly receipts: readonly PushReceipt[];
}

/** What a step in a transaction needs. */
export interface StepContext {
  readonly change: Change;
  readonly gate: Gate;
  readonly payloads: Payloads;
  readonly dedupeWindow: number;
  /** Topics without a group, and without retention, which ask for no checksum. */
  readonly ungrouped: Set<string>;
}

const none: CommitResult['fenced'] = [];

export function isLarge({ message }: Output): boolean {
  return message.payload.length > inlineBytes;
}

/** Whether the transaction will end a step without publishing: it is fenced, or names what does not exist. */
export function endsUnpublished({ acks }: Step, logs: Logs): boolean {
  try {
    return fencedTickets(acks, logs).length > 0;
  } catch (error) {
    // Which the transaction says.
    if (error instanceof EdgeFlowError) return true;
    throw error;
  }
}

/**
 * Does all of a step, or nothing.
 *
 * @returns undefined when it must be tried again: there is no room, or a payload must be written (once more); an error
 * that concerns this step alone.
 */
export function applyStep(context: StepContext, { acks, outputs }: Step): Outcome | EdgeFlowError | undefined {
  const { change, gate, payloads } = context;
  const logs: Logs = (topic) => change.log(topic);
  let fenced: CommitResult['fenced'] = none;
  try {
    if (acks.length > 0) fenced = fencedTickets(acks, logs);
  } catch (error) {
    // Damage concerns all that share the transaction.
    if (!(error instanceof EdgeFlowError) || hasCode(error, 'MESSAGE_CORRUPT')) throw error;
    return error;
  }
  if (fenced.length > 0) return { fenced, receipts: [] };
  const passes = gate.check(outputs);
  if (passes !== true) return passes || undefined;
  // An id was known a moment ago and is not now, or this process slept while another one swept.
  const lacks = (output: Output): boolean =>
    output.payloadKey ? payloads.lost(output.payloadKey) : isLarge(output) && !gate.knows(output.topic, output.message);
  if (outputs.some(lacks)) {
    gate.hold(outputs);
    return undefined;
  }
  if (outputs.length > 0) change.publishes = true;
  const receipts = outputs.map((output) => publish(context, output));
  for (const { topic, group, consumer, tickets } of acks) {
    const log = withGroup(logs(topic), topic, group);
    change.settles(log);
    const owner = log.consumer(group, consumer);
    for (const ticket of tickets) log.ack(group, owner, ticket);
  }
  return { fenced, receipts };
}

function publish({ change, dedupeWindow, ungrouped }: StepContext, output: Output): PushReceipt {
  const { topic, message, payloadKey } = output;
  const log = change.logOrNew(topic, dedupeWindow);
  const receipt = log.push(message, payloadKey, () => entryFor(log, output));
  if (log.hasGroups || log.retains) ungrouped.delete(topic);
  else ungrouped.add(topic);
  if (!receipt.duplicate) change.ring(topic, 'news');
  return receipt;
}

/** Made here only where the topic got its first group, or its retention, a moment ago. */
function entryFor(log: StoredLog, { message, payloadKey, checksum: known, entry }: Output): Buffer {
  if (entry && (known !== undefined || (!log.hasGroups && !log.retains))) return entry;
  return encodeEntry({ message, payloadKey, checksum: known ?? checksum(message) });
}

/** @throws EdgeFlowError `TOPIC_UNDECLARED`, `TOPIC_INVALID` */
function fencedTickets(acks: readonly Acknowledgement[], logs: Logs): CommitResult['fenced'] {
  return acks.flatMap(({ topic, group, consumer, tickets }) => {
    const log = withGroup(logs(topic), topic, group);
    const owner = log.consumer(group, consumer);
    return tickets.filter((ticket) => !log.owns(group, owner, ticket)).map(({ seq, token }) => ({ seq, token, topic }));
  });
}
