import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Detections } from 'edgeflow/operators';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { queueRows } from '#recipes/parts/queueRows.js';
import { pavement } from '#recipes/parts/video.js';
import { streetModelPath } from '#recipes/street/model.js';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { lacks, temporaryFolder } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { filmFps, filmStreet, footOf } from './streetFilm.js';
import type { StreetFilm } from './streetFilm.js';

const everyMs = 5_000;
const start = cliOfFile();
const recipe = resolve(import.meta.dirname, '../../dist/recipes/queueLength.js');

/** A row of the files. */
interface StoredRow {
  readonly source: string;
  readonly start: Date;
  readonly frames: bigint;
  readonly mean: number;
  readonly most: bigint;
  readonly left: bigint;
  readonly stayed_ms: number | null;
}

/** What is really in the default zone in each window: people in each frame, and how many came or left. */
interface TrueWindow {
  readonly lengths: readonly number[];
  readonly changes: number;
}

function windowsOf({ truth }: StreetFilm): TrueWindow[] {
  const inZone = truth.map(
    (objects) =>
      new Set(
        objects
          .filter(({ label, box }) => label === 'person' && footOf(box)[0] >= 0.3 && footOf(box)[0] <= 0.7 && footOf(box)[1] >= 0.78)
          .map(({ track }) => track),
      ),
  );
  const size = (everyMs / 1000) * filmFps;
  return Array.from({ length: Math.ceil(inZone.length / size) }, (_, window) => {
    const frames = inZone.slice(window * size, (window + 1) * size);
    const changes = frames.map((now, at) => differences(now, inZone[window * size + at - 1] ?? now));
    return { lengths: frames.map((people) => people.size), changes: changes.reduce((sum, count) => sum + count, 0) };
  });
}

function differences(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  return [...a].filter((each) => !b.has(each)).length + [...b].filter((each) => !a.has(each)).length;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Each row is true, but that a coming or a leaving may be told so many frames apart from when it happens. */
function expectTrue(
  rows: readonly { readonly mean: number; readonly most: number }[],
  windows: readonly TrueWindow[],
  frames: number,
): void {
  expect(rows).toHaveLength(windows.length);
  rows.forEach((row, at) => {
    const { lengths = [], changes = 0 } = windows[at] ?? {};
    const slack = (changes * frames) / lengths.length;
    const what = `window ${at}: mean ${row.mean} of ${mean(lengths)} ± ${slack}, most ${row.most} of ${Math.max(...lengths)}`;
    expect(Math.abs(row.mean - mean(lengths)), what).toBeLessThanOrEqual(slack);
    // Where two pass each other at the edge, the frame in which both are in may be missed or gained.
    expect(Math.abs(row.most - Math.max(...lengths)), what).toBeLessThanOrEqual(changes > 0 ? 1 : 0);
  });
}

describe.skipIf(lacks('ffmpeg'))('people in a zone', { timeout: 600_000 }, () => {
  test.each([7001, 7002, 7003])('of street %i are told as they are, by true boxes', async (seed) => {
    const street = await filmStreet(temporaryFolder(), { seed }, 30);
    const found = street.truth.map((objects, index): Detections => {
      const people = objects.filter(({ label }) => label === 'person');
      return { objects: people, width: 640, height: 360, time: (index * 1000) / filmFps, index, source: 'street', model: 'truth' };
    });
    const rows = await lastValueFrom(from(found).pipe(queueRows(pavement, everyMs), toArray()));
    expect(rows.map(({ start, frames }) => [start, frames])).toEqual(
      Array.from({ length: 6 }, (_, at) => [at * everyMs, (everyMs / 1000) * filmFps]),
    );
    expectTrue(rows, windowsOf(street), 2);
  });

  test('are in the file, as the detector finds them, in processes of their own', async () => {
    const folder = temporaryFolder();
    const street = await filmStreet(folder, { seed: 7001 }, 30);
    const directory = join(folder, 'rows');
    const options = [
      '--source',
      street.file,
      '--no-pace',
      '--model',
      streetModelPath,
      '--every-ms',
      String(everyMs),
      '--directory',
      directory,
      '--file-every-ms',
      '1000',
    ];
    const { code, stdout, stderr } = await start(['run', recipe, '--reset', '--no-table', '--', ...options]).ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('ledger balanced');
    const rows = await storedIn(directory);
    expect(rows.map(({ start }) => start.getTime())).toEqual(Array.from({ length: 6 }, (_, at) => at * everyMs));
    expectTrue(
      rows.map(({ mean, most }) => ({ mean, most: Number(most) })),
      windowsOf(street),
      8,
    );
  });
});

async function storedIn(directory: string): Promise<StoredRow[]> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet'));
  const rows = await Promise.all(
    files.map(async (name) => {
      return (await parquetReadObjects({ file: await asyncBufferFromFile(join(directory, name)) })) as unknown as StoredRow[];
    }),
  );
  return rows.flat().sort((a, b) => a.start.getTime() - b.start.getTime());
}
