import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { recordVideo } from 'edgeflow/operators';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import Database from 'libsql';
import { lastValueFrom, of } from 'rxjs';
import { expect } from 'vitest';
import { fixture } from './systemSupport.js';

const run = promisify(execFile);
const noon = Date.UTC(2026, 10, 23, 12);

/** Runs a writer until it has reported so many values, then kills it. Returns what was settled. */
async function untilKilled(program: string, args: readonly (string | number)[], count: number): Promise<number[]> {
  const child = spawn(process.execPath, [fixture(program), ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    if (text.split('\n').length > count) child.kill('SIGKILL');
  });
  await once(child, 'close');
  // The last line may be torn.
  return text.split('\n').slice(0, -1).map(Number);
}

/** Rows of a table. */
export function rowsOf(file: string, table: string): Record<string, unknown>[] {
  const db = new Database(file);
  try {
    return db.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[];
  } finally {
    db.close();
  }
}

/** Kills a writer of two rows a message so many times; those that were open, and some that were settled, come again. */
export async function writeWithKills(kind: 'sqlite' | 'csv' | 'parquet', file: string, kills: number): Promise<void> {
  const last = 150 + kills * 60;
  const settled = new Set<number>();
  let next = 0;
  for (let kill = 0; kill <= kills; kill++) {
    const count = kill === kills ? Infinity : 25 + (kill % 7) * 9;
    for (const index of await untilKilled('write-rows.mjs', [kind, file, Math.max(0, next - 5), last], count)) settled.add(index);
    while (settled.has(next)) next++;
    // What was settled is in a whole file, right after the kill.
    if (kind === 'parquet') {
      const written = new Set((await parquetRowsOf(file)).map(({ place }) => place));
      expect([...settled].filter((index) => !written.has(index))).toEqual([]);
    }
  }
  const all = Array.from({ length: last + 1 }, (_, index) => index);
  if (kind === 'sqlite') {
    const rows = rowsOf(file, 'rows');
    expect(rows.map(({ place }) => place).sort((a, b) => Number(a) - Number(b))).toEqual(all.flatMap((index) => [index, index]));
    expect(new Set(rows.map(({ message_id: id }) => id)).size).toBe(rows.length);
    return;
  }
  if (kind === 'parquet') {
    await checkParquet(file, all, kills);
    return;
  }
  const text = readFileSync(file, 'utf8');
  const pair = /([0-9a-f]{32})\.0,(\d+),"row ""\2""\nof two, with x{200}"\n\1,\2,second\n/g;
  const places = [...text.matchAll(pair)].map(([, , place]) => Number(place));
  expect(places.sort((a, b) => a - b)).toEqual(all);
  expect(text.replaceAll(pair, '')).toBe('message_id,place,text\n');
}

/** Rows of all Parquet files of a directory; each must be whole. */
async function parquetRowsOf(directory: string): Promise<Record<string, unknown>[]> {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.parquet'));
  const files = paths.map(async (path) => parquetReadObjects({ file: await asyncBufferFromFile(join(directory, path)) }));
  return (await Promise.all(files)).flat();
}

/** Each message has its two rows, once for each file that it is in: a second one where it came again after a kill. */
async function checkParquet(directory: string, all: readonly number[], kills: number): Promise<void> {
  const rows = await parquetRowsOf(directory);
  const byPlace = new Map(all.map((place) => [place, rows.filter((row) => row.place === place)]));
  expect([...byPlace].filter(([, written]) => written.length === 0)).toEqual([]);
  for (const [place, written] of byPlace) {
    expect(new Set(written.map(({ message_id: id }) => id)).size).toBe(1);
    const texts = written.map(({ text }) => text);
    expect(texts.filter((text) => text === 'second')).toHaveLength(written.length / 2);
    expect(texts.filter((text) => String(text).startsWith(`row "${place}"`))).toHaveLength(written.length / 2);
  }
  expect(new Set(rows.map(({ message_id: id }) => id)).size).toBe(all.length);
  // No more than what was open at each kill, and the five that come again in any case.
  expect(rows.length / 2 - all.length).toBeLessThanOrEqual(kills * (16 + 5));
  // The last run has put away what the killed ones had in work.
  expect(readdirSync(join(directory, '.tmp'))).toEqual([]);
}

/** Times of the pictures of a clip, in milliseconds; ffmpeg must find nothing to complain about, unless the clip may be torn. */
export async function timesOf(path: string, mayBeTorn = false): Promise<number[]> {
  const { stdout, stderr } = await run('ffprobe', ['-v', 'error', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', path]);
  if (!mayBeTorn) expect(stderr).toBe('');
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => Math.round(Number.parseFloat(line) * 1000));
}

/** Paths of the clips of a directory, those that are not finished included. */
export function clipsOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.mp4'))
    .sort();
}

/** Kills a recorder so many times, tears the last clip as a kill in mid-write does, and looks at what can be played. */
export async function recordWithKills(directory: string, kills: number): Promise<void> {
  const settled = new Set<number>();
  let next = 0;
  for (let kill = 0; kill < kills; kill++) {
    for (const index of await untilKilled('record-video.mjs', [directory, next], 25 + (kill % 9) * 13)) settled.add(index);
    while (settled.has(next)) next++;
  }
  const torn = clipsOf(directory).at(-1) ?? '';
  const before = await playedIn(directory, true);
  expect([...settled].filter((index) => !before.includes(index))).toEqual([]);
  truncateSync(join(directory, torn), statSync(join(directory, torn)).size - 10);
  // The next run mends what is torn and names what is not finished.
  const end = {
    data: new Uint8Array(12),
    width: 2,
    height: 2,
    format: 'rgb24',
    time: noon + 9_000_000_000,
    index: 0,
    source: 'end',
  } as const;
  await lastValueFrom(of(end).pipe(recordVideo({ directory })));
  expect(clipsOf(directory).filter((path) => path.includes('.part.'))).toEqual([]);
  const after = await playedIn(directory, false);
  expect(after.filter((index) => !before.includes(index))).toEqual([90_000_000]);
  // One fragment of a second is ten frames.
  expect(before.length - after.length + 1).toBeLessThanOrEqual(10);
  expect(before.length).toBeLessThanOrEqual(new Set(before).size + kills * 20);
}

async function playedIn(directory: string, mayBeTorn: boolean): Promise<number[]> {
  const played: number[] = [];
  for (const path of clipsOf(directory)) {
    const start = Number(path.slice(path.indexOf('/') + 1).slice(0, 15)) - noon;
    for (const time of await timesOf(join(directory, path), mayBeTorn)) played.push(Math.round((start + time) / 100));
  }
  return played;
}
