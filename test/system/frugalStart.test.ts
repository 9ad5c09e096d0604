import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** What a process prints that starts as that of a node does. */
function printed(script: string, ...flags: readonly string[]): string {
  const text = `
    import { beginStart, endStart, optimiseWhenBusy } from '#src/system/frugalStart.js';
    const work = (n) => { let sum = 0; for (let i = 0; i < n; i++) sum += Math.sqrt(i) % 7; return sum; };
    const workALot = () => { for (let i = 0; i < 2_000; i++) work(2_000); };
    const second = () => new Promise((resolve) => setTimeout(resolve, 1_050));
    beginStart();
    ${script}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--trace-opt', ...flags, '--input-type=module', '-e', text], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout;
}

const compiled = /completed (compiling|optimizing).*work/;

test('nothing is optimised at the start, nor while there is little to do', () => {
  expect(printed('workALot(); endStart(); await second(); optimiseWhenBusy(0); workALot();')).not.toMatch(compiled);
});

test('a process that is busy is optimised', () => {
  expect(printed('endStart(); await second(); optimiseWhenBusy(1e6); workALot();')).toMatch(compiled);
});

test('who gives V8 flags of this kind is left to them', () => {
  expect(printed('workALot(); endStart();', '--expose-gc')).toMatch(compiled);
  expect(printed('workALot(); endStart(); await second(); optimiseWhenBusy(1e6); workALot();', '--no-opt')).toBe('');
});

test('the collector is not left where programs find it', () => {
  expect(
    printed("endStart(); const { runInNewContext } = await import('node:vm'); console.log(typeof gc, runInNewContext('typeof gc'));"),
  ).toContain('undefined undefined');
});
