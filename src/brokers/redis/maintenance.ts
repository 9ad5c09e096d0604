import type { Redis } from 'ioredis';
import { EdgeFlowError, errorMessage } from '../../errors.js';
import type { SweepResult } from '../broker.js';
import { commands } from './command.js';
import type { Connections } from './connections.js';
import { reclaim } from './dropGroup.js';
import type { RedisLink } from './link.js';
import { asBuffer, asList } from './reply.js';

/** Deletes all, if all is EdgeFlow's. @throws EdgeFlowError `BROKER_NOT_DEDICATED` */
export async function resetAll({ control, data, keys }: Connections): Promise<void> {
  for (const link of new Set([control, data])) await checkDedicated(link, keys.prefix);
  for (const link of new Set([control, data])) {
    try {
      await link.send((client) => client.flushall());
    } catch (error) {
      // A user who may not flush may still delete its own keys; there are no others.
      if (!errorMessage(error).includes('NOPERM')) throw error;
      await deleteKeys(link, keys.prefix);
    }
  }
}

/** Deletes the keys of the namespace alone. Control first: an id never dangles. */
export async function resetNamespace({ control, data, keys }: Connections): Promise<void> {
  await deleteKeys(control, keys.prefix);
  await deleteKeys(data, keys.prefix);
}

/** Names of all topics. */
export async function topicNames({ control, keys }: Connections): Promise<string[]> {
  const names = asList(await control.send((client) => client.callBuffer('SMEMBERS', keys.topics)));
  return names.map((name) => asBuffer(name).toString()).sort();
}

/** Deletes payloads that have lain for `graceMs` and that no message refers to. */
export async function sweepBlobs(connections: Connections, graceMs: number): Promise<SweepResult> {
  const { control, data, keys, blobs } = connections;
  for (const topic of await topicNames(connections)) {
    await reclaim(connections, topic);
    await control.run(commands.trim, [keys.topic(topic), keys.trash], []);
  }
  await blobs.settle();
  await blobs.emptyTrash();
  let orphans = 0;
  for await (const found of scan(data, `${escapeGlob(keys.blobs)}*`)) {
    const idle = await data.send((client) => Promise.all(found.map((key) => client.object('IDLETIME', key))));
    const old = found.filter((_, i) => typeof idle[i] === 'number' && idle[i] * 1_000 >= graceMs);
    const referred = await control.send((client) =>
      Promise.all(old.map((key) => client.hexists(keys.references(keys.topicOfBlob(key)), key))),
    );
    const lost = old.filter((_, i) => referred[i] === 0);
    if (lost.length > 0) orphans += await data.send((client) => client.unlink(lost));
  }
  return { orphans };
}

async function checkDedicated(link: RedisLink, prefix: string): Promise<void> {
  const db = link.client.options.db ?? 0;
  let keyspace = '';
  try {
    keyspace = await link.send((client) => client.info('keyspace'));
  } catch (error) {
    if (!errorMessage(error).includes('NOPERM')) throw error;
  }
  for (const [, other] of keyspace.matchAll(/^db(\d+):keys=/gm))
    if (Number(other) !== db) throw notDedicated(link, `its database ${other} is in use`);
  for await (const found of scan(link, '*')) {
    const foreign = found.find((key) => !key.startsWith(prefix));
    if (foreign !== undefined) throw notDedicated(link, `key '${foreign.slice(0, 80)}' is not EdgeFlow's`);
  }
}

function notDedicated({ address }: RedisLink, found: string): EdgeFlowError {
  return new EdgeFlowError(
    'BROKER_NOT_DEDICATED',
    `reset would empty the ${address}, but ${found}: use a server of its own, or reset: 'namespace' to delete EdgeFlow's keys alone`,
  );
}

async function deleteKeys(link: RedisLink, prefix: string): Promise<void> {
  for await (const found of scan(link, `${escapeGlob(prefix)}*`)) if (found.length > 0) await link.send((client) => client.unlink(found));
}

async function* scan(link: RedisLink, pattern: string): AsyncGenerator<string[]> {
  let cursor = '0';
  do {
    const position = cursor;
    const reply = await link.send((client: Redis) => client.call('SCAN', position, 'MATCH', pattern, 'COUNT', 500));
    const [next, found] = asList(reply);
    cursor = String(next);
    yield asList(found).map(String);
  } while (cursor !== '0');
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}
