import { checkObject, checkOptions, isAtLeast, oneOf, shown } from '../checkOptions.js';
import { EdgeFlowError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { maxMetaBytes } from '../codec.js';
import { maxMessageIdLength } from '../message.js';
import type { OutgoingMessage } from '../message.js';
import { checkName } from '../topic.js';
import type { DeadLetterOptions, Failure, OnFull, RangeRequest, Retention, TopicDeclaration } from './broker.js';

/** Options that all brokers take. */
export interface CommonBrokerOptions {
  /**
   * How long a consumer may give no sign of life before its open messages go to others, in milliseconds. Clients give
   * signs of life by themselves while their event loop turns, however long the work on a message takes.
   * @defaultValue 30000
   */
  readonly visibilityMs?: number;
  /** How many of the last published ids of each topic are remembered, to recognise a repeated publish. @defaultValue 10000 */
  readonly dedupeWindow?: number;
}

export const defaultVisibilityMs = 30_000;
export const defaultDedupeWindow = 10_000;
export const defaultMaxBytes = 256 * 1024 * 1024;

/** The largest payload of one message, in bytes. */
const maxPayloadBytes = 256 * 1024 * 1024;

/** Checks names and numbers of a declaration. */
export function checkDeclaration({ topic, groups = [], readers = [], ...limits }: TopicDeclaration): void {
  checkName('topic', topic);
  for (const group of groups) checkName('group', group);
  for (const reader of readers) checkName('reader', reader);
  checkLimits(`topic '${topic}'`, limits, 'BROKER_CONFIG');
}

const onFulls: readonly OnFull[] = ['wait', 'reject', 'replace'];

/**
 * Checks what a topic may store.
 *
 * @param owner - whose options they are, for the message.
 * @throws EdgeFlowError with the code that the caller names.
 */
export function checkLimits(owner: string, limits: Pick<TopicDeclaration, 'maxBytes' | 'onFull' | 'retain'>, code: ErrorCode): void {
  const { maxBytes, onFull, retain } = limits;
  checkOptions(
    owner,
    [
      ['maxBytes', maxBytes, isAtLeast(maxBytes, 0) && maxBytes !== 0, 'a positive number of bytes'],
      ['onFull', onFull, onFulls.some((one) => one === onFull), oneOf(onFulls)],
    ],
    code,
  );
  if (retain === undefined) return;
  checkObject(`${owner}: retain`, retain, code);
  const { seconds, bytes } = retain;
  if (seconds === undefined && bytes === undefined)
    throw new EdgeFlowError(code, `${owner}: retain says nothing; expected { seconds }, { bytes } or both`);
  checkOptions(
    owner,
    [
      ['retain.seconds', seconds, isAtLeast(seconds, 0), '0 or more'],
      ['retain.bytes', bytes, isAtLeast(bytes, 0), '0 or more'],
    ],
    code,
  );
}

/** Retention in the units of the stored times and sizes; without bytes nothing is retained. */
export interface StoredRetention {
  readonly retainMs: number;
  readonly retainBytes: number;
}

export const nothingRetained: StoredRetention = { retainMs: Infinity, retainBytes: 0 };

/** @param maxBytes - bound of the topic, of which what is retained may take a half where nothing else is said. */
export function retentionOf({ seconds = Infinity, bytes }: Retention, maxBytes: number): StoredRetention {
  return { retainMs: seconds * 1_000, retainBytes: Math.floor(bytes ?? maxBytes / 2) };
}

/** Fills in what a request for a page leaves out. @throws EdgeFlowError `BROKER_CONFIG` for what is no number */
export function fullRange(request: RangeRequest): Required<{ [Name in keyof RangeRequest]: number }> {
  checkPage('range', request);
  const { after = 0, from = -Infinity, to = Infinity, limit = 256, maxBytes = 16 * 1024 * 1024 } = request;
  return { after: position(after), from, to, limit: Math.max(1, Math.floor(limit)), maxBytes };
}

/** Fills in what a request for dead letters leaves out. @throws EdgeFlowError `BROKER_CONFIG` for what is no number */
export function fullLetters(options: DeadLetterOptions = {}): Required<DeadLetterOptions> {
  checkPage('deadLetters', options);
  const { after = 0, limit = Infinity } = options;
  return { after: position(after), limit: limit > Number.MAX_SAFE_INTEGER ? Infinity : Math.max(0, Math.floor(limit)) };
}

/** Beyond the last position that there can be, it is the same for all brokers. */
function position(after: number): number {
  return Math.min(Math.max(0, Math.floor(after)), Number.MAX_SAFE_INTEGER - 1);
}

/** Checks what `pop` and `popLatest` are asked for: until no time they would look again for ever. @throws EdgeFlowError `BROKER_CONFIG` */
export function checkTake(topic: string, { count = 1, waitMs }: { readonly count?: number; readonly waitMs: number }): void {
  for (const [name, value] of [['count', count] as const, ['waitMs', waitMs] as const])
    if (!isAtLeast(value, -Infinity))
      throw new EdgeFlowError('BROKER_CONFIG', `topic '${topic}': ${name} is ${shown(value)}; expected a number`);
}

function checkPage(call: string, numbers: RangeRequest | DeadLetterOptions): void {
  for (const [name, value] of Object.entries(numbers) as [string, unknown][])
    if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value)))
      throw new EdgeFlowError(
        'BROKER_CONFIG',
        `${call}: ${name} is ${typeof value === 'number' ? value : typeof value}; expected a number`,
      );
}

/** Checks what `nack` is told before anything is changed: a time that is none could not be read again. */
export function checkFailure(topic: string, { error, stack, retryAfterMs }: Failure): void {
  if (retryAfterMs !== undefined && !(Number.isFinite(retryAfterMs) && retryAfterMs >= 0))
    throw new EdgeFlowError('BROKER_CONFIG', `topic '${topic}': retryAfterMs is ${retryAfterMs}; expected 0 or more milliseconds`);
  if (typeof error !== 'string' || !['string', 'undefined'].includes(typeof stack))
    throw new EdgeFlowError(
      'BROKER_CONFIG',
      `topic '${topic}': the error of a failure is ${typeof error}, its stack ${typeof stack}; expected text`,
    );
}

/** Checks what comes from outside before it is stored. */
export function checkMessage(topic: string, { id, meta, payload }: OutgoingMessage): void {
  if (id.length === 0 || id.length > maxMessageIdLength)
    throw new EdgeFlowError(
      'VALUE_INVALID',
      `topic '${topic}': a message id of ${id.length} characters; expected 1 to ${maxMessageIdLength}`,
    );
  if (meta.length > 2 * maxMetaBytes || payload.length > maxPayloadBytes)
    throw new EdgeFlowError(
      'MESSAGE_TOO_LARGE',
      `topic '${topic}': message '${id}' has ${payload.length} bytes of payload and ${meta.length} of meta; ` +
        `expected at most ${maxPayloadBytes} and ${2 * maxMetaBytes}`,
    );
}

/** Bytes that a message counts for. */
export function messageBytes({ meta, payload }: Pick<OutgoingMessage, 'meta' | 'payload'>): number {
  return meta.length + payload.length;
}

/** How many of the newest messages a topic keeps although no group needs them, for readers to jump to. */
export function keptNewest(readers: number, groups: number): number {
  if (readers > 0) return readers + 1;
  return groups > 0 ? 0 : 1;
}

/** A topic whose messages replace each other can't keep them for a group. */
export function replaceWithGroup(topic: string, group: string): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_CONFIG',
    `topic '${topic}' has onFull: 'replace', and group '${group}' must lose nothing: use 'wait' or 'reject', or read it as REALTIME`,
  );
}

export function brokerClosed(kind: string): EdgeFlowError {
  return new EdgeFlowError('BROKER_CLOSED', `the ${kind} broker was closed; open a new one`);
}

export function brokerInUse(where: string): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_IN_USE',
    `another system runs on ${where}, and a reset would delete its messages: stop it first, or give this one a broker of its own`,
  );
}

export function topicFull(topic: string, maxBytes: number): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_FULL',
    `topic '${topic}' stores ${maxBytes} bytes, its limit: a DURABLE group does not keep up. Raise maxBytes, add replicas, or use onFull: 'wait'`,
  );
}

export function topicUndeclared(topic: string, what: string): EdgeFlowError {
  return new EdgeFlowError('TOPIC_UNDECLARED', `topic '${topic}' has no ${what}: declare it before use`);
}
