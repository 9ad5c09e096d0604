import { EdgeFlowError } from '../../errors.js';
import { messageIdSource } from '../../message.js';
import type { DeadLetter, DeadLetterOptions } from '../broker.js';
import { topicUndeclared } from '../options.js';
import { attemptOf } from '../token.js';
import { blobKeys } from './blobs.js';
import type { Command } from './command.js';
import type { Connections } from './connections.js';
import { checkDeclared } from './declared.js';
import { toMessage, tryReadRecord } from './record.js';
import { asBuffer, asList } from './reply.js';
import type { Reply } from './reply.js';

const none = Buffer.alloc(0);
const nextToken = messageIdSource();
/** Letters that one script works on: others wait meanwhile. */
const lettersAtOnce = 500;

/** Dead letters of a topic, oldest first. */
export async function readDeadLetters(connections: Connections, topic: string, options: DeadLetterOptions = {}): Promise<DeadLetter[]> {
  const { after = 0, limit = Infinity } = options;
  const { control, blobs, keys } = connections;
  if ((await control.send((client) => client.hexists(keys.topic(topic), 'declared'))) === 0) throw topicUndeclared(topic, 'declaration');
  if (limit < 1) return [];
  const count = limit === Infinity ? [] : ['COUNT', Math.floor(limit)];
  const range = [`${keys.topic(topic)}:dead`, `${Math.max(0, Math.floor(after)) + 1}`, '+', ...count];
  const letters = asList(await control.send((client) => client.callBuffer('XRANGE', ...range))).map(parseLetter);
  const readable = letters.flatMap(({ stored }) => (stored instanceof EdgeFlowError ? [] : [stored]));
  const payloads = await blobs.get(readable);
  return letters.map(({ stored, record, ...rest }) => {
    // What is no record any more is shown as it is.
    if (stored instanceof EdgeFlowError) return { id: '', time: 0, meta: none, payload: record, ...rest };
    return { ...toMessage(stored, payloads[readable.indexOf(stored)] ?? none), ...rest };
  });
}

function parseLetter(reply: Reply) {
  const [id, list] = asList(reply);
  const fields = new Map<string, Buffer>();
  const values = asList(list).map(asBuffer);
  for (let i = 0; i + 1 < values.length; i += 2) fields.set(String(values[i]), values[i + 1] ?? none);
  const text = (name: string): string => String(fields.get(name) ?? '');
  const seq = Number(text('seq'));
  const record = fields.get('record') ?? none;
  return {
    record,
    stored: tryReadRecord(seq, record),
    letter: parseInt(String(id)),
    seq,
    group: text('group'),
    error: text('error'),
    stack: fields.get('stack')?.toString(),
    attempts: attemptOf(Number(text('token'))),
    firstTime: Number(text('firstTime')),
    deadTime: Number(text('deadTime')),
  };
}

/**
 * Gives dead letters back to their groups, or deletes them; returns how many there were.
 *
 * @param command - `redrive` or `dropLetters`.
 */
export async function settleLetters(
  { control, blobs, keys, closed }: Connections,
  topic: string,
  letters: readonly number[],
  command: Command,
): Promise<number> {
  const known = letters.filter((letter) => Number.isSafeInteger(letter) && letter > 0);
  let sum = 0;
  // Once at least, for it checks the topic.
  for (let at = 0; at === 0 || at < known.length; at += lettersAtOnce) {
    const values = [nextToken(), ...known.slice(at, at + lettersAtOnce)];
    const [state, count, trash] = asList(
      await control.persist(() => control.run(command, [keys.topic(topic), keys.trash], values), closed),
    );
    checkDeclared(state, topic, '');
    blobs.discard(blobKeys(trash));
    sum += Number(count);
  }
  return sum;
}
