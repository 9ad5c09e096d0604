import { EdgeFlowError } from '../../errors.js';
import type { MessageRange, RangeRequest } from '../broker.js';
import { fullRange } from '../options.js';
import { commands } from './command.js';
import type { Connections } from './connections.js';
import { checkDeclared } from './declared.js';
import { flawOf, toMessage, tryReadRecord } from './record.js';
import { asBuffer, asList } from './reply.js';

/** Messages that one script goes through, whether they are wanted or not: others wait meanwhile. */
const mostLooked = 1_024;

/** Reads a page of what a topic stores. What lost its payload, or is damaged, is passed over. */
export async function readRange({ control, blobs, keys }: Connections, topic: string, request: RangeRequest = {}): Promise<MessageRange> {
  const { after, from, to, limit, maxBytes } = fullRange(request);
  const values = [after, luaNumber(from), luaNumber(to), luaNumber(limit), luaNumber(maxBytes), mostLooked];
  const [state, retains, next, found] = asList(await control.run(commands.range, [keys.topic(topic), keys.trash], values));
  checkDeclared(state, topic, '');
  const list = asList(found);
  const stored = list.flatMap((seq, i) => {
    if (i % 2 === 1) return [];
    const record = tryReadRecord(Number(asBuffer(seq).toString()), asBuffer(list[i + 1]));
    return record instanceof EdgeFlowError ? [] : [record];
  });
  const payloads = await blobs.get(stored);
  const messages = stored.flatMap((record, i) => {
    const payload = payloads[i];
    return payload && !flawOf(record, payload) ? [toMessage(record, payload)] : [];
  });
  return { messages, next: next === 0 ? undefined : Number(next), retains: retains === 1 };
}

/** As Lua reads it. */
function luaNumber(value: number): string | number {
  if (Number.isFinite(value)) return value;
  return value > 0 ? 'inf' : '-inf';
}
