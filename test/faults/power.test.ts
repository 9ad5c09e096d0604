import { numbered, until } from 'edgeflow/testing';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { runModule } from '../support/runModule.js';
import { range } from '../support/system.js';
import { volatileDisk } from '../support/volatileDisk.js';
import { boot, drain, expectPowerLossesHarmless } from './powerLosses.js';

const me = { group: 'g', consumer: 'a' };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgeflow-power-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('an embedded store that outlives power: nothing that was confirmed is lost, a commit is whole or not at all', async () => {
  await expectPowerLossesHarmless(folder, 12);
});

test('a disk that fails: pushes wait, which is said; a broker that is closed meanwhile rejects them, and ends', async () => {
  const directory = join(folder, 'store');
  mkdirSync(directory);
  let failing = false;
  const disk = volatileDisk(directory, { fails: () => (failing ? new Error('EIO: i/o error, fdatasync') : undefined) });
  try {
    const broker = new EmbeddedBroker({ directory, durability: 'power' });
    await broker.declare({ topic: 't', groups: ['g'] });
    failing = true;
    const warned = new Promise<Error & { code?: string }>((resolve) => process.once('warning', resolve));
    const first = broker.push('t', numbered(1));
    expect(await warned).toMatchObject({ code: 'EDGEFLOW_BROKER_WAITS', message: expect.stringContaining('EIO') as string });
    failing = false;
    await first;
    failing = true;
    const second = expect(broker.push('t', numbered(2))).rejects.toMatchObject({ message: expect.stringMatching(/EIO|closed/) as string });
    await until('it is stored', async () => (await broker.stats())[0]?.published === 2);
    await broker.close();
    await second;
    failing = false;
    const after = boot(directory);
    expect((await drain(after, 't', me))[0]).toBe(1);
    await after.close();
  } finally {
    disk.remove();
  }
});

test('processes that come at once after a boot use one environment', async () => {
  const directory = join(folder, 'store');
  const before = new EmbeddedBroker({ directory, durability: 'power' });
  await before.declare({ topic: 't', groups: ['g'] });
  await Promise.all(range(50).map((value) => before.push('t', numbered(value))));
  await before.close();
  await boot(directory).close();
  for (const name of readdirSync(directory)) if (name.startsWith('control-')) rmSync(join(directory, name));
  const children = range(4).map((child) =>
    runModule(
      `
      import { EmbeddedBroker } from 'edgeflow';
      import { numbered, until } from 'edgeflow/testing';
      const broker = new EmbeddedBroker({ directory: data.directory, durability: 'power' });
      for (let n = 0; n < 25; n++) await broker.push('t', numbered(100 + 25 * data.child + n));
      await broker.close();
      console.log('done');`,
      { directory, child },
    ),
  );
  await Promise.all(children.map((child) => child.line('done')));
  await Promise.all(children.map((child) => child.kill()));
  const after = boot(directory);
  expect(await drain(after, 't', me)).toEqual([...range(50), ...range(100).map((value) => 100 + value)]);
  await after.close();
});
