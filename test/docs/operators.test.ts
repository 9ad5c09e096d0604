import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as operators from 'edgeflow/operators';
import { expect, test } from 'vitest';

const flow = ['fromBroker', 'toBroker', 'mapAsync', 'latestMap', 'batch', 'leased', 'detached', 'fromPull'];

test('docs/operators.md has one section for each operator, and none for others', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/operators.md'), 'utf8');
  const headings = [...page.matchAll(/^### ([a-z]\w*)$/gm)].map(([, name]) => name);
  expect(headings.sort()).toEqual([...flow, ...Object.keys(operators)].sort());
});
