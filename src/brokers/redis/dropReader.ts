import { commands } from './command.js';
import type { Connections } from './connections.js';
import { checkDeclared } from './declared.js';
import { reclaim } from './dropGroup.js';

/** Forgets a reader, and frees what only it needed. */
export async function dropReader(connections: Connections, topic: string, reader: string): Promise<void> {
  const { control, keys, closed } = connections;
  const run = (): Promise<unknown> => control.run(commands.dropReader, [keys.topic(topic), keys.trash], [reader]);
  checkDeclared(await control.persist(run, closed), topic, `reader '${reader}'`);
  await reclaim(connections, topic);
}
