import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { System } from 'edgeflow';
import { expect, test } from 'vitest';
import { compiled } from './watch.js';

const folder = resolve(import.meta.dirname, '../../recipes');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));

test.each(names)('%s is short, and joins another System twice', async (name) => {
  expect(readFileSync(join(folder, `${name}.ts`), 'utf8').split('\n').length - 1).toBeLessThan(60);

  const loaded = (await import(pathToFileURL(compiled(name)).href)) as Record<string, () => System>;
  const recipe = loaded[name];
  if (!recipe) throw new Error(`${name}.ts exports no ${name}`);
  expect(loaded.default).toBe(recipe);
  const alone = recipe().graph();
  const home = new System('home');
  for (const prefix of ['door', 'yard']) {
    const part = home.use(recipe(), { prefix });
    for (const node of alone.nodes.keys()) expect(part(node)).toEqual({ name: `${prefix}.${node}` });
  }
  const { nodes, links } = home.graph();
  expect(nodes.size).toBe(2 * alone.nodes.size);
  // Its nodes find their inputs by the names that they have in the recipe.
  expect(links.map(({ source, target, options }) => [source, target, options.as])).toEqual(
    ['door', 'yard'].flatMap((prefix) =>
      alone.links.map(({ source, target, options }) => [`${prefix}.${source}`, `${prefix}.${target}`, options.as ?? source]),
    ),
  );
});
