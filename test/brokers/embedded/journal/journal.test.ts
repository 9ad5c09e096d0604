import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freeBytes } from '#src/brokers/embedded/space.js';
import type { Tables } from '#src/brokers/embedded/tables.js';
import { range } from '../../../support/system.js';
import { mountTinyDisk } from '../../../support/tinyDisk.js';
import { brokenJournals } from '../../../fixtures/broken/journals.js';
import { volatileDisk } from '../../../support/volatileDisk.js';
import { expectPowerLossesHarmless, Journaled, runs } from './journaled.js';
import type { Rows, Step } from './journaled.js';

let folder: string;
let made: number;
const next = (): string => path.join(folder, String(made++));

beforeEach(() => {
  made = 0;
  folder = mkdtempSync(path.join(tmpdir(), 'edgeflow-journal-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const put =
  (key: number, value: string) =>
  (tables: Tables): void => {
    tables.entries.putSync(Buffer.from(`key ${key}`), Buffer.from(value));
  };

/** What the disk has of a journaled environment after its host has booted: all, where no power was lost. */
async function rebooted(directory: string): Promise<Rows> {
  for (const name of readdirSync(directory)) if (name.startsWith('control-')) rmSync(path.join(directory, name));
  const after = new Journaled(directory);
  const rows = after.rows();
  await after.close();
  return rows;
}

/** The warnings of this process while something runs. */
async function warningsOf(work: () => Promise<unknown>): Promise<string> {
  const said: string[] = [];
  const note = (warning: Error): number => said.push(`${'code' in warning ? String(warning.code) : ''} ${warning.message}`);
  process.on('warning', note);
  await work();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  return said.join('\n');
}

/** Fills some segments, with a checkpoint amid them. */
const enough: readonly Step[] = range(12).flatMap((n) => [
  { do: 'put', key: n, bytes: 700 },
  ...(n === 6 ? [{ do: 'checkpoint' } as const, { do: 'reach' } as const] : []),
  ...(n % 3 === 2 ? [{ do: 'reach' } as const, { do: 'reach' } as const] : []),
]);

describe('a loss of power', () => {
  test('leaves the state after one of the transactions, and none before one that was reached; again and again', async () => {
    await expectPowerLossesHarmless(20);
  });

  test.each(brokenJournals)('these losses find a journal that $does', async ({ disk, breakIt }) => {
    const broken = breakIt?.();
    try {
      await expect(runs(next(), [{ steps: enough, kept: [false] }], disk)).rejects.toThrow(
        /of the last transaction that is there|BROKER_CORRUPT|lacks/,
      );
    } finally {
      broken?.mockRestore();
    }
    await runs(next(), [{ steps: enough, kept: [false] }]);
  });
});

describe('the files of a journal', () => {
  test('a checkpoint takes the place of what was before it, and environments of other boots go', async () => {
    const directory = next();
    mkdirSync(directory);
    const journaled = new Journaled(directory);
    for (let n = 0; n < 20; n++) await journaled.reach(journaled.change(put(n % 3, `${n} ${'.'.repeat(500)}`)));
    const before = readdirSync(directory).filter((name) => name.startsWith('journal-'));
    expect(before.length).toBeGreaterThan(3);
    await journaled.journal.checkpoint();
    await journaled.journal.checkpoint();
    await journaled.reach(journaled.change(put(4, 'after')));
    const rows = journaled.rows();
    await journaled.close();
    const names = readdirSync(directory).filter((name) => !name.startsWith('control-'));
    expect(names).toEqual([expect.stringMatching(/^checkpoint-\d{16}\.mdb$/), before.at(-1)]);
    expect(statSync(path.join(directory, names[0] ?? '')).mode & 0o777).toBe(0o600);
    for (const left of ['control-former.mdb', 'control-former.mdb-lock', 'checkpoint.12.abc'])
      writeFileSync(path.join(directory, left), 'x');
    expect(await rebooted(directory)).toEqual(rows);
    expect(readdirSync(directory).filter((name) => /former|abc/.test(name))).toEqual([]);
  });

  test('it becomes long, so that a checkpoint is due', async () => {
    const directory = next();
    mkdirSync(directory);
    const journaled = new Journaled(directory);
    let count = 0;
    while (!journaled.journal.long) journaled.change(put(1, `${count++} ${'.'.repeat(1_500)}`));
    expect(count).toBeLessThan(2_000);
    await journaled.journal.checkpoint();
    expect(journaled.journal.long).toBe(false);
    await journaled.close();
  });

  test.each([
    ['the segment that a checkpoint goes on from', true],
    ['the first one', false],
  ])('without %s it is BROKER_CORRUPT, which names it', async (_, checkpoint) => {
    const directory = next();
    mkdirSync(directory);
    const journaled = new Journaled(directory);
    for (let n = 0; n < 10; n++) await journaled.reach(journaled.change(put(n, '.'.repeat(900))));
    if (checkpoint) await journaled.journal.checkpoint();
    for (let n = 0; n < 10; n++) await journaled.reach(journaled.change(put(n, '-'.repeat(900))));
    await journaled.close();
    const first = readdirSync(directory).find((name) => name.startsWith('journal-')) ?? '';
    rmSync(path.join(directory, first));
    await expect(rebooted(directory)).rejects.toMatchObject({
      code: 'BROKER_CORRUPT',
      message: expect.stringContaining(first) as string,
    });
  });

  test('damage amid it ends what is done anew, and is said', async () => {
    const directory = next();
    mkdirSync(directory);
    const journaled = new Journaled(directory);
    for (let n = 0; n < 10; n++) await journaled.reach(journaled.change(put(n, '.'.repeat(900))));
    await journaled.close();
    const second = path.join(directory, readdirSync(directory).filter((name) => name.startsWith('journal-'))[1] ?? '');
    const bytes = readFileSync(second);
    bytes[200] = 0xff;
    writeFileSync(second, bytes);
    let rows: Rows = {};
    const said = await warningsOf(async () => (rows = await rebooted(directory)));
    expect(said).toMatch(/EDGEFLOW_STORE the journal of the store in .* is whole up to transaction 2, and goes on behind \d+/);
    expect(Object.keys(rows)).toEqual(['key 0', 'key 1']);
    expect(Object.keys(await rebooted(directory))).toEqual(['key 0', 'key 1']);
  });
});

describe('a disk that does not take the journal', () => {
  test('full: what was changed waits, acks do not; with room again it outlasts the power', async (context) => {
    const small = mountTinyDisk('20m') ?? context.skip('a tmpfs cannot be mounted here (needs root)');
    try {
      const journaled = new Journaled(small.directory);
      await journaled.reach(journaled.change(put(0, 'before')));
      const ballast = path.join(small.directory, 'ballast');
      writeFileSync(ballast, Buffer.alloc(freeBytes(small.directory) - 3_000_000));
      const marks = Array.from({ length: 10 }, (_, n) => journaled.change(put(n + 1, '.'.repeat(200_000))));
      const last = marks.at(-1);
      if (!last) throw new Error('no change');
      expect(last.hole).toBe(last.number);
      await journaled.journal.reached(last, false);
      let done = false;
      const waiting = journaled.reach(last).then(() => (done = true));
      const said = await warningsOf(() => new Promise((resolve) => process.once('warning', resolve)));
      expect(said).toMatch(/EDGEFLOW_BROKER_WAITS the disk of the embedded store in .* does not take what is published: .*No space/i);
      expect(done).toBe(false);
      rmSync(ballast);
      await waiting;
      await journaled.reach(journaled.change(put(99, 'after')));
      const rows = journaled.rows();
      await journaled.close();
      expect(await rebooted(small.directory)).toEqual(rows);
    } finally {
      small.remove();
    }
  });

  test('failing: a sync that failed is not taken for done by the next; all is written anew', async () => {
    const directory = next();
    mkdirSync(directory);
    let failing = false;
    const disk = volatileDisk(directory, { fails: () => (failing ? new Error('EIO: i/o error, fdatasync') : undefined) });
    try {
      const journaled = new Journaled(directory);
      await journaled.reach(journaled.change(put(1, 'before')));
      failing = true;
      const waiting = journaled.reach(journaled.change(put(2, 'amid')));
      const said = await warningsOf(() => new Promise((resolve) => process.once('warning', resolve)));
      expect(said).toContain('EIO');
      failing = false;
      await waiting;
      // What the failed sync was for is nowhere but in the checkpoint.
      expect(readdirSync(directory).filter((name) => name.startsWith('checkpoint-'))).toHaveLength(1);
      const rows = journaled.rows();
      await journaled.close();
      expect(await rebooted(directory)).toEqual(rows);
    } finally {
      disk.remove();
    }
  });

  test('a transaction that was not committed is not in it, and the one that takes its place is on the disk when it is reached', async () => {
    const directory = next();
    mkdirSync(directory);
    const disk = volatileDisk(directory);
    try {
      const journaled = new Journaled(directory);
      await journaled.reach(journaled.change(put(1, 'before')));
      await journaled.abandon(put(2, 'never'));
      const lost = next();
      disk.lose(lost, () => true);
      expect(await rebooted(lost)).toEqual({ 'key 1': 'before' });
      await journaled.reach(journaled.change(put(3, 'after')));
      const later = next();
      disk.lose(later, () => false);
      await journaled.close();
      expect(await rebooted(later)).toEqual({ 'key 1': 'before', 'key 3': 'after' });
    } finally {
      disk.remove();
    }
  });

  test('a journal that is to end tells those who wait why, and closes', async () => {
    const directory = next();
    mkdirSync(directory);
    const disk = volatileDisk(directory, { fails: () => new Error('EIO: i/o error, fdatasync') });
    try {
      const journaled = new Journaled(directory);
      const waiting = journaled.reach(journaled.change(put(1, 'x')));
      await warningsOf(() => new Promise((resolve) => process.once('warning', resolve)));
      journaled.journal.end();
      await expect(waiting).rejects.toThrow('EIO');
      await journaled.close();
    } finally {
      disk.remove();
    }
  });
});
