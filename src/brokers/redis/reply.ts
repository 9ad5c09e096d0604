import { EdgeFlowError } from '../../errors.js';

/** What a command answers, with bytes as Buffers. */
export type Reply = Buffer | number | string | null | Reply[];

export function asList(reply: unknown): Reply[] {
  if (!Array.isArray(reply)) throw unexpected(reply, 'a list');
  return reply as Reply[];
}

export function asBuffer(reply: Reply | undefined): Buffer {
  if (!Buffer.isBuffer(reply)) throw unexpected(reply, 'bytes');
  return reply;
}

function unexpected(reply: unknown, expected: string): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_CORRUPT',
    `a Redis command answered ${String(reply)}; expected ${expected}: a part of EdgeFlow's keys was deleted or changed. ` +
      'Find out who did, then run with reset: true',
  );
}
