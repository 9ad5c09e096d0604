import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as operators from 'edgeflow/operators';
import { expect, test } from 'vitest';

const flow = ['fromBroker', 'toBroker', 'mapAsync', 'latestMap', 'batch', 'leased', 'detached', 'fromPull', 'lookBack'];

const docs = resolve(import.meta.dirname, '../../docs');

test('docs/operators.md and docs/operators/ have one section for each operator, and none for others', () => {
  const pages = ['operators.md', ...readdirSync(join(docs, 'operators')).map((file) => join('operators', file))];
  const page = pages
    .filter((file) => file.endsWith('.md'))
    .map((file) => readFileSync(join(docs, file), 'utf8'))
    .join('\n');
  const headings = [...page.matchAll(/^### ([a-z]\w*)$/gm)].map(([, name]) => name);
  expect(headings.sort()).toEqual([...flow, ...Object.keys(operators)].sort());
});
