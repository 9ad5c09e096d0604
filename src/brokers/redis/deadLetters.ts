import type { DeadLetter } from '../broker.js';
import type { Connections } from './connections.js';
import { readRecord, toMessage } from './record.js';
import { asBuffer, asList } from './reply.js';

const none = Buffer.alloc(0);

/** Dead letters of a topic, oldest first; undefined for a topic that is not known. */
export async function readDeadLetters({ control, blobs, keys }: Connections, topic: string): Promise<DeadLetter[] | undefined> {
  if ((await control.send((client) => client.hexists(keys.topic(topic), 'declared'))) === 0) return undefined;
  const replies = asList(await control.send((client) => client.callBuffer('XRANGE', `${keys.topic(topic)}:dead`, '-', '+')));
  const letters = replies.map((reply) => {
    const fields = asList(asList(reply)[1]);
    const text = (index: number): string => asBuffer(fields[index]).toString();
    return {
      stored: readRecord(Number(text(1)), asBuffer(fields[11])),
      group: text(3),
      error: text(5),
      attempts: Number(text(7)),
      deadTime: Number(text(9)),
    };
  });
  const payloads = await blobs.get(letters.map(({ stored }) => stored));
  return letters.map(({ stored, ...rest }, i) => ({ ...toMessage(stored, payloads[i] ?? none), ...rest }));
}
