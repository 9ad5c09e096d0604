import { messageIdSource } from '../../message.js';
import { blobKeys } from './blobs.js';
import { commands } from './command.js';
import type { Connections } from './connections.js';
import { checkDeclared } from './declared.js';
import { asList } from './reply.js';

const nextToken = messageIdSource();

/** Forgets a group, and frees what only it needed; returns how many of its messages were not settled. */
export async function dropGroup(connections: Connections, topic: string, group: string): Promise<number> {
  const { control, keys, closed } = connections;
  const values = [group, nextToken()];
  const [state, unsettled] = asList(
    await control.persist(() => control.run(commands.dropGroup, [keys.topic(topic), keys.trash], values), closed),
  );
  checkDeclared(state, topic, `group '${group}'`);
  await reclaim(connections, topic);
  return Number(unsettled);
}

/** Frees what dropped groups needed, in steps, so that others need not wait. What a killed process began, a sweep ends. */
export async function reclaim({ control, blobs, keys, closed }: Connections, topic: string): Promise<void> {
  for (let more: unknown = 1; more === 1;) {
    const reply = asList(await control.persist(() => control.run(commands.reclaim, [keys.topic(topic), keys.trash], []), closed));
    more = reply[0];
    blobs.discard(blobKeys(reply[1]));
  }
}
