import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { defaultDirectory, storedFormat } from './directory.js';
import type { Durability } from './directory.js';

/** A store that lies on this host. */
export interface FoundStore {
  readonly name: string;
  readonly directory: string;
  readonly durability: Durability;
}

/** The stores of this user where they lie by default. */
export function findStores(): FoundStore[] {
  return (['process', 'power'] as const).flatMap((durability) => {
    const folder = path.dirname(defaultDirectory('any', durability));
    if (!existsSync(folder)) return [];
    const names = readdirSync(folder).sort();
    return names
      .map((name) => ({ name, directory: path.join(folder, name), durability }))
      .filter(({ directory }) => storedFormat(directory)?.durability === durability);
  });
}
