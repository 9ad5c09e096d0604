import { describe, expect, test } from 'vitest';
import { cliOfFile } from '../support/cli.js';
import { fixture } from '../support/system.js';

const start = cliOfFile();

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
