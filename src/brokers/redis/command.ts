import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua script of `commands/`, which does one action on a topic atomically. */
export interface Command {
  readonly name: string;
  readonly keys: number;
  readonly text: string;
  readonly sha: string;
}

const folder = new URL('./commands/', import.meta.url);
const shared = readFileSync(new URL('shared.lua', folder), 'utf8');

function command(name: string, keys: number): Command {
  const text = `${shared}\n${readFileSync(new URL(`${name}-${keys}.lua`, folder), 'utf8')}`;
  return { name, keys, text, sha: createHash('sha1').update(text).digest('hex') };
}

/** The commands of the control plane; each file's head says what it takes and gives. */
export const commands = {
  declare: command('declare', 3),
  push: command('push', 3),
  room: command('room', 2),
  pop: command('pop', 2),
  take: command('take', 2),
  ack: command('ack', 2),
  nack: command('nack', 2),
  release: command('release', 2),
  beat: command('beat', 2),
  stats: command('stats', 2),
} as const;
