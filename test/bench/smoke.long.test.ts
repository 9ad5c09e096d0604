import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

describe.skipIf(!hasRedis)(`the benchmarks${hasRedis ? '' : ' (skipped: redis-server not found, run `npm run setup`)'}`, () => {
  it('run for a moment, and measure every peer in every scenario', { timeout: 310_000 }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [resolve(root, 'dist/bench/run.js'), '--smoke'], {
      encoding: 'utf8',
      timeout: 300_000,
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const measured = [...stdout.matchAll(/^== (\S+)$/gm)].map(([, name]) => name);
    expect(measured).toEqual([
      'hop',
      'fanout',
      'latest',
      'lag',
      'durable',
      'synced',
      'scope',
      'scale',
      'start',
      'camera',
      'observe',
      'yolo',
    ]);
    const rows = stdout
      .split('\n')
      .filter((line) =>
        /^(embedded|two Redises|one Redis|bare |BullMQ|ZeroMQ|by hand|the limit|plain |ix: |EdgeFlow: |no dashboard|a dashboard|a browser)/.test(
          line,
        ),
      );
    const hop = 2 * 2 * 8 + 4; // two sizes, the newest and every frame, eight peers; four of them with two consumers, too
    const [fanout, latest, lag, durable] = [3 * 3, 2 * 4, 4, 10];
    expect(rows.length).toBeGreaterThan(hop + fanout + latest + lag + durable);
    for (const row of rows) expect(row).toMatch(/  \d|not measured/);
    expect(stdout).not.toMatch(/NaN|Infinity/);
  });

  it('name what there is when asked for a benchmark that is not', () => {
    const { status, stderr } = spawnSync(process.execPath, [resolve(root, 'dist/bench/run.js'), 'speed'], { encoding: 'utf8' });
    expect(stderr).toContain("no benchmark 'speed': there are hop, ");
    expect(status).not.toBe(0);
  });
});
