import { hasCode, System } from 'edgeflow';
import { expect, test } from 'vitest';
import { scaling } from '../fixtures/apps/recipe.js';
import { cliOfFile } from '../support/cli.js';
import { fixture, readLines, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const start = cliOfFile();
const entry = fixture('recipe.ts');

test('a recipe is run with its options from the command line, the same in its workers', async () => {
  const file = folder.path('written.jsonl');
  const args = ['--file', file, '--factor', '10', '--add-each', '[1]', '--shout'];
  const { code, stderr } = await start(['run', entry, '--reset', '--no-table', '--', ...args]).ended;
  expect([code, stderr]).toEqual([0, '']);
  expect(readLines(file).map(({ value, label }) => [value, label])).toEqual([11, 21, 31, 41, 51].map((value) => [value, 'LOUD']));
});

test('options that are not there or cannot be read are told with what was expected, and --help lists them', async () => {
  const ends = await Promise.all(
    [['--facto', '3'], ['--factor', 'three'], ['--add-each', '3'], ['--help']].map((args) => start(['graph', entry, '--', ...args]).ended),
  );
  expect(ends.map(({ code }) => code)).toEqual([1, 1, 1, 0]);
  expect(ends[0]?.stderr).toMatch(/^OPTIONS_INVALID: Unknown option '--facto'.*expected --file, --factor, --add-each, --shout/);
  expect(ends[1]?.stderr).toMatch(/^OPTIONS_INVALID: --factor is 'three'; expected a number such as 2/);
  expect(ends[2]?.stderr).toMatch(/^OPTIONS_INVALID: --add-each is '3'; expected JSON such as \[0\]/);
  expect(ends[3]?.stdout).toMatch(/^--factor +2$/m);
});

test('as a function it takes options of its own alone', () => {
  expect(scaling({ factor: 3 })).toBeInstanceOf(System);
  expect(scaling.defaults).toEqual({ file: undefined, factor: 2, addEach: [0], shout: false });
  try {
    scaling({ facto: 3 } as never);
    expect.unreachable();
  } catch (error) {
    expect(hasCode(error, 'OPTIONS_INVALID')).toBe(true);
    expect((error as Error).message).toBe("there is no option 'facto'; expected file, factor, addEach, shout");
  }
});
