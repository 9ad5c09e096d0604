import { describe, expect, test } from 'vitest';
import { cliOfFile } from '../support/cli.js';
import { fixture } from '../support/system.js';

const start = cliOfFile();

function check(how: string, ...options: readonly string[]): string[] {
  return ['check', fixture('fragile.ts'), '--for', '1s', ...options, '--', '--how', how];
}

test('an app that stands faults passes', async () => {
  const schedule = 'kill worker@200,slow latest@200+300x2,pause source@300+200,restart broker@600';
  const { code, stdout } = await start(check('good', '--broker', 'redis', '--schedule', schedule)).ended;
  expect(stdout).toMatch(
    /run 1, without faults: kept .*\nrun 2, faults: kill worker@200,.*,restart broker@600: kept .*\n\nthe contract held in all 2 runs/,
  );
  expect(code).toBe(0);
}, 120_000);

test('what fails without faults is said at once, and nothing else is run', async () => {
  const { code, stdout } = await start(check('exit')).ended;
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /run 1, without faults: BROKEN \(crashed\).*\n\nthe contract is broken even without faults:\n- node 'worker' ended by itself/,
  );
  expect(stdout).toMatch(/worker \| its process ended with exit code 3/);
  expect(stdout).not.toMatch(/run 2/);
});

describe('exit code 2 and a clear message for', () => {
  test.each([
    [['nowhere.ts'], /NODE_MODULE_MISSING: there is no file/],
    [[fixture('fragile.ts'), '--schedule', 'kill yolo@1'], /SCHEDULE_INVALID: .*no node 'yolo'; its nodes are source, worker, latest/],
    [[fixture('fragile.ts'), '--schedule', 'restart broker@1'], /SCHEDULE_INVALID: .*use --broker redis/],
    [[fixture('fragile.ts'), '--before', 'exit 3', '--schedule', 'none'], /OPTIONS_INVALID: --before 'exit 3' ended with exit code 3/],
    [['x.ts', '--runs', 'many'], /expected a whole number/],
    [['x.ts', '--broker', 'kafka'], /Allowed choices are embedded, redis/],
    [['x.ts', '--what'], /unknown option '--what'/],
  ])('%j', async (args, message) => {
    const { code, stderr } = await start(['check', ...args]).ended;
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });
});
