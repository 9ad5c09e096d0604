import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const folder = new URL('./commands/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

/** A Lua script of `commands/`, which does one action atomically. Read when it is first used: programs on another broker use none. */
export class Command {
  readonly name: string;
  readonly #files: readonly string[];
  #text: string | undefined;
  #sha: string | undefined;

  constructor(name: string, files: readonly string[]) {
    this.name = name;
    this.#files = files;
  }

  get text(): string {
    return (this.#text ??= this.#files.map(read).join('\n'));
  }

  get sha(): string {
    return (this.#sha ??= createHash('sha1').update(this.text).digest('hex'));
  }
}

/**
 * @param keys - how many keys it takes; N for any number.
 * @param parts - files with functions that it uses, besides `shared.lua`.
 */
function command(name: string, keys: number | 'N', ...parts: readonly string[]): Command {
  return new Command(name, ['shared.lua', ...parts, `${name}-${keys}.lua`]);
}

/** The commands of the control plane; each file's head says what it takes and gives. */
export const commands = {
  declare: command('declare', 3),
  push: command('push', 3, 'publish.lua'),
  room: command('room', 2),
  pop: command('pop', 2),
  take: command('take', 2),
  ack: command('ack', 2, 'settle.lua'),
  commit: command('commit', 'N', 'publish.lua', 'settle.lua'),
  nack: command('nack', 2),
  release: command('release', 2),
  redrive: command('redrive', 2, 'once.lua', 'letters.lua'),
  dropLetters: command('dropLetters', 2, 'once.lua', 'letters.lua'),
  dropGroup: command('dropGroup', 2, 'once.lua'),
  dropReader: command('dropReader', 2),
  reclaim: command('reclaim', 2),
  beat: command('beat', 2),
  stats: command('stats', 2),
  range: command('range', 2),
  trim: command('trim', 2),
} as const;
