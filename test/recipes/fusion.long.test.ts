import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MemoryBroker } from 'edgeflow';
import type { RunningSystem, System } from 'edgeflow';
import { fusion } from '#recipes/fusion.js';
import type { Reading } from '#recipes/parts/readings.js';
import { streetModelPath } from '#recipes/street/model.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lacks, temporaryFolder, until } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { filmFps, filmStreet } from './streetFilm.js';

/** A line of the result. */
interface Fused {
  readonly index: number;
  readonly time: number;
  readonly value: number;
  readonly apartMs: number;
}

const start = cliOfFile();
const recipe = resolve(import.meta.dirname, '../../dist/recipes/fusion.js');

/** By so much the sensor's clock is ahead. */
const offsetMs = 130;
const toleranceMs = 40;

async function run(system: System): Promise<RunningSystem> {
  const running = await system.run({ broker: new MemoryBroker(), isolation: 'inline', handleSignals: false, onLog: () => undefined });
  onTestFinished(() => running.stop());
  return running;
}

function fusedIn(folder: string): Fused[] {
  const file = join(folder, 'fused.jsonl');
  if (!existsSync(file)) return [];
  // What follows the last line end is being written.
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Fused);
}

/** What a sensor measures at a time, in milliseconds. */
const measure = (time: number): number => 20 + 5 * Math.sin(time / 3000);

/** Readings of about ten a second, none in the middle between two frames, each up to 15 ms early or late, without every ninth; they begin before a film and go on after it. */
function measured(seconds: number): Reading[] {
  const jitter = (place: number): number => ((place * 7919) % 31) - 15;
  return Array.from({ length: seconds * 10 + 10 }, (_, place) => (place - 5) * 100.07 + jitter(place))
    .filter((_, place) => place % 9 !== 8)
    .map((time) => ({ time, value: measure(time) }));
}

/** The lines of a sensor: some readings come three places later than they should, some twelve places. */
function linesOf(readings: readonly Reading[], wayLate: (place: number) => boolean): string {
  const places = readings.map((reading, place) => ({ reading, at: place + (wayLate(place) ? 12.5 : place % 13 === 6 ? 3.5 : 0) }));
  places.sort((a, b) => a.at - b.at);
  return places.map(({ reading }) => `${JSON.stringify({ ...reading, time: reading.time + offsetMs })}\n`).join('');
}

describe.skipIf(lacks('ffmpeg'))('a camera and a sensor', { timeout: 600_000 }, () => {
  test('are joined as they belong together, and what is late or alone is counted', async () => {
    const folder = temporaryFolder();
    const seconds = 20;
    const frames = seconds * filmFps;
    const street = await filmStreet(folder, { seed: 8001 }, seconds);
    const readings = measured(seconds);
    const wayLate = (place: number): boolean => place % 40 === 20;
    const sensor = join(folder, 'readings.jsonl');
    writeFileSync(sensor, `nd": 3 }\n${linesOf(readings, wayLate)}`);

    const options = { sensor, offsetMs, toleranceMs, latenessMs: 500, directory: folder };
    const running = await run(fusion({ source: street.file, fps: filmFps, pace: false, model: streetModelPath, ...options }));
    const { ledger } = await running.done;
    expect(ledger.balanced).toBe(true);

    // Each reading of the film's time that is not too late goes with the frame that is nearest to it: frames are less than two tolerances apart.
    const expected = readings
      .filter((_, place) => !wayLate(place))
      .map(({ time, value }) => ({ index: Math.round((time * filmFps) / 1000) + 0, time: Number(time.toFixed(3)), value }))
      .filter(({ index, time }) => index >= 0 && index < frames && Math.abs(time - (index * 1000) / filmFps) <= toleranceMs);
    const found = fusedIn(folder);
    expect(found.map(({ index, time, value, apartMs }) => ({ index, time: Number((time + apartMs).toFixed(3)), value }))).toEqual(expected);
    expect(expected.length).toBeGreaterThan(150);

    const late = readings.filter((_, place) => wayLate(place)).length;
    const unmatched = frames - expected.length + (readings.length - late - expected.length);
    const note = running.status().find(({ node }) => node === 'fusion')?.report?.note;
    expect(JSON.parse(note ?? '')).toEqual({ late, unmatched, full: 0 });
  });

  test('are joined as they come: a live view, and a pipe', async () => {
    const folder = temporaryFolder();
    const sensor = join(folder, 'sensor');
    execFileSync('mkfifo', [sensor]);
    const pipe = openSync(sensor, constants.O_RDWR | constants.O_NONBLOCK);
    // A reading tells the time at which it was made, by the right clock.
    const timer = setInterval(() => writeSync(pipe, `${JSON.stringify({ time: Date.now() + offsetMs, value: Date.now() })}\n`), 50);
    onTestFinished(() => {
      clearInterval(timer);
      closeSync(pipe);
    });
    const running = await run(fusion({ sensor, offsetMs, toleranceMs, directory: folder }));
    await until('twenty lines', () => fusedIn(folder).length >= 20);
    await running.stop();
    for (const { time, value } of fusedIn(folder)) expect(Math.abs(time - value)).toBeLessThanOrEqual(toleranceMs + 2);
    expect((await running.done).ledger.balanced).toBe(true);
  });

  test('are a System of the command line', async () => {
    const { code, stdout, stderr } = await start(['graph', recipe, '--', '--sensor', '/dev/ttyUSB0', '--offset-ms=-3']).ended;
    expect([code, stderr]).toEqual([0, '']);
    for (const node of ['camera', 'detector', 'sensor', 'fusion']) expect(stdout).toContain(node);
  });

  test('fail by name where there is no sensor', async () => {
    const folder = temporaryFolder();
    const options = ['--sensor', join(folder, 'none'), '--directory', folder];
    const { code, stderr } = await start(['run', recipe, '--reset', '--no-table', '--isolation', 'inline', '--', ...options]).ended;
    expect(code).not.toBe(0);
    expect(stderr).toContain('SOURCE_MISSING');
  });
});
