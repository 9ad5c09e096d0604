import { expect, test } from 'vitest';
import { cliOfFile } from '../support/cli.js';
import { fixture } from '../support/system.js';

const start = cliOfFile();

test('an app that stands faults passes random ones, on both brokers', async () => {
  for (const broker of ['embedded', 'redis']) {
    const { code, stdout } = await start(['check', fixture('fragile.ts'), '--for', '3s', '--broker', broker]).ended;
    expect(stdout).toMatch(/the contract held in all 6 runs/);
    expect(code).toBe(0);
  }
}, 240_000);

test.each([
  ['lock', /node 'worker' ended by itself \d+ times, after it was killed once[^]*EEXIST/],
  ['hoard', /left on source → worker: \d+ messages of \d+, neither acked nor dead-lettered/],
  ['refuse', /source → worker[^]*the last process was killed/],
])(
  'a node that a kill breaks (%s) is found, shrunk to one fault, and the printed command repeats it',
  async (how, finding) => {
    const options = ['--for', '2s', '--drain', '3s'];
    const { code, stdout } = await start(['check', fixture('fragile.ts'), ...options, '--runs', '20', '--shrinks', '6', '--', '--how', how])
      .ended;
    expect(stdout).toMatch(finding);
    expect(code).toBe(1);
    const [, schedule] = /--schedule '(kill worker@\d+)'/.exec(stdout) ?? [];
    expect(schedule).toBeDefined();
    const again = await start(['check', fixture('fragile.ts'), ...options, '--schedule', schedule ?? '', '--', '--how', how]).ended;
    expect(again.stdout).toMatch(finding);
    expect(again.code).toBe(1);
  },
  300_000,
);
