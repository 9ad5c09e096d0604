import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkSnippets, extractSnippets } from './snippets.js';
import type { Snippet } from './snippets.js';

const root = resolve(import.meta.dirname, '../..');
const pages = [
  ...['README.md'].filter((file) => existsSync(join(root, file))),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const snippets = pages.flatMap((file) => extractSnippets(file, readFileSync(join(root, file), 'utf8')));

/** Blocks that must be complained about, to know that the check checks. */
const broken = extractSnippets(
  'broken.md',
  [
    'An unknown option, two lines into a block:',
    '```ts',
    "import { camera } from 'edgeflow/operators';",
    "camera({ source: 'street.mp4', framesPerSecond: 30 });",
    '```',
    'Text that does not parse:',
    '```ts fragment',
    'frames.pipe(detectYolo()',
    '```',
    '- A name that only a fragment may leave open, in a list:',
    '  ```ts',
    '  console.log(frames);',
    '  ```',
    '```bash',
    'this is not TypeScript',
    '```',
  ].join('\n'),
);

let problems: Map<Snippet, string[]>;
beforeAll(() => {
  problems = checkSnippets([...snippets, ...broken]);
}, 180_000);

test('a broken block is named by its file and line', () => {
  expect(broken.map((snippet) => problems.get(snippet))).toEqual([
    [expect.stringMatching(/^broken\.md:4: TS2353: .*'framesPerSecond' does not exist in type 'CameraOptions'/)],
    [expect.stringMatching(/^broken\.md:8: TS1005: /)],
    [expect.stringMatching(/^broken\.md:12: TS2304: Cannot find name 'frames'/)],
  ]);
});

describe('every ts block of the documentation compiles', () => {
  test.each(snippets.map((snippet) => [`${snippet.file}:${snippet.line}`, snippet] as const))('%s', (_, snippet) => {
    expect(problems.get(snippet)).toEqual([]);
  });
});
