import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorCodes } from 'edgeflow';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const codes = Object.keys(errorCodes).sort();

/** Text of all sources of a folder that may raise errors; the conformance suite only expects them. */
function sourcesOf(folder: string): string {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'errors.ts' && !file.startsWith('testing/'))
    .map((file) => readFileSync(join(root, folder, file), 'utf8'))
    .join('\n');
}

const sources = sourcesOf('src') + sourcesOf('operators');

test('docs/errors.md has exactly one heading for each code, and none for others', () => {
  const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');
  const headings = [...page.matchAll(/^#+ ([A-Z]+(?:_[A-Z]+)+)$/gm)].map(([, code]) => code);
  expect(headings.sort()).toEqual(codes);
});

test.each(codes)('%s is raised somewhere', (code) => {
  // The first argument of a call: to `new EdgeFlowError`, or to a function that makes one.
  expect(sources).toMatch(new RegExp(`\\(\\s*'${code}'`));
});
