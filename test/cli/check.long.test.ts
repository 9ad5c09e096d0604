import { expect, test } from 'vitest';
import { cliOfFile } from '../support/cli.js';
import { fixture } from '../support/system.js';

const start = cliOfFile();

function check(how: string, ...options: readonly string[]): string[] {
  return ['check', fixture('fragile.ts'), '--for', '1s', ...options, '--', '--how', how];
}

const once = (...options: readonly string[]): string[] => check('once', ...options);

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

test('maxDeliveries of 1 is found, shrunk to one fault, and the printed command repeats it', async () => {
  const { code, stdout } = await start(once('--faults', '2', '--seed', '143', '--shrinks', '1')).ended;
  expect(code).toBe(1);
  expect(stdout).toMatch(/\nthe contract is broken by: kill worker@\d+\n- dead letters of source → worker: .* retry\.maxDeliveries is 1/);
  const [, schedule] = /--for 1s --schedule '(kill worker@\d+)' -- --how once\n/.exec(stdout) ?? [];
  expect(schedule).toBeDefined();
  const again = await start(once('--schedule', schedule ?? '', '--json')).ended;
  expect(again.code).toBe(1);
  expect(JSON.parse(again.stdout)).toMatchObject({
    system: 'fragile',
    ok: false,
    runs: [{ schedule: 'none', findings: [] }, { schedule }],
    broken: { schedule, findings: [{ kind: 'dead-lettered' }] },
  });
}, 120_000);
