import { join } from 'node:path';
import { camera, detectYolo, recordVideo } from 'edgeflow/operators';
import type { ClipRef, Frame } from 'edgeflow/operators';
import { motionRecorder } from 'edgeflow/recipes/motionRecorder';
import { lastValueFrom, map, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { clipsOf, timesOf } from '../operators/sinkKills.js';
import { haveShared, shared } from '../operators/support.js';
import { lacks, temporaryFolder } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { compiled, runWatched, stamped, stampIn } from './watch.js';

const start = cliOfFile();
const model = shared('models/yolox_nano.onnx');
const source = shared('media/one-by-one-person-detection.mp4');

/** Small enough to be no motion. */
const side = 6;

/**
 * When there is somebody in the film, by its pictures' numbers. In `seen` the detector finds a person in every picture but a few; in
 * `any` there may be a foot or a shadow: looked at by eye.
 */
const visits = [
  { seen: [63, 194], any: [57, 205] },
  { seen: [228, 442], any: [225, 455] },
] as const;

/** The beginning of the film, 10 pictures a second, each with its number in it. */
async function numberedFilm(frames: number): Promise<string> {
  const directory = temporaryFolder();
  const numbered = camera({ source, pace: false }).pipe(
    take(frames),
    map((frame) => ({ ...stamped(frame, frame.index, side), time: 1_700_000_000_000 + frame.index * 100 })),
  );
  const { path } = await lastValueFrom(numbered.pipe(recordVideo({ directory })));
  return join(directory, path);
}

const numbersIn = (clip: string): Promise<(number | undefined)[]> =>
  lastValueFrom(
    camera({ source: clip, pace: false }).pipe(
      map((frame) => stampIn(frame, { side })),
      toArray(),
    ),
  );

describe.skipIf(lacks('ffmpeg') || !haveShared())('motionRecorder', () => {
  test('its clips hold each visit with what was before and after, and nothing of the time between', { timeout: 300_000 }, async () => {
    const directory = temporaryFolder();
    const film = await numberedFilm(480);
    const times: number[] = [];
    const clips: ClipRef[] = [];
    const running = await runWatched(motionRecorder({ source: film, directory, preRollMs: 1_000, postRollMs: 500 }), {
      camera: ({ index, time }: Frame) => (times[index] = time),
      recorder: (clip: ClipRef) => clips.push(clip),
    });
    const { ledger } = await running.done;
    expect(ledger.balanced).toBe(true);
    expect(times).toHaveLength(480);
    expect(clips).toHaveLength(visits.length);

    for (const [at, { seen, any }] of visits.entries()) {
      const clip = clips[at];
      if (!clip) throw new Error('there is no clip');
      const timeOf = (index: number): number => times[index] ?? NaN;
      const numbers = await numbersIn(join(directory, clip.path));
      // Whole, in order, and at the times of the frames.
      const [first = NaN] = numbers;
      const last = first + numbers.length - 1;
      expect(numbers).toEqual(numbers.map((_, frame) => first + frame));
      expect(await timesOf(join(directory, clip.path))).toEqual(numbers.map((_, frame) => timeOf(first + frame) - timeOf(first)));
      // From the pre-roll of who is seen to the post-roll...
      expect(first).toBeLessThanOrEqual(times.findIndex((time) => time >= timeOf(seen[0]) - 1_000));
      expect(last).toBeGreaterThanOrEqual(times.findLastIndex((time) => time <= timeOf(seen[1]) + 500));
      // ...and no more than that of a foot or a shadow.
      expect(timeOf(first)).toBeGreaterThanOrEqual(timeOf(any[0]) - 1_000);
      expect(timeOf(last)).toBeLessThanOrEqual(timeOf(any[1]) + 500);
    }
  });

  test('in processes of its own, by the command line', { timeout: 300_000 }, async () => {
    const directory = temporaryFolder();
    const film = await numberedFilm(225);
    const options = ['--source', film, '--directory', directory, '--pre-roll-ms', '1000', '--post-roll-ms', '500'];
    const { code, stdout } = await start(['run', compiled('motionRecorder'), '--reset', '--no-table', '--', ...options]).ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/camera → recorder \(durable\): 225 published = 225 acked/);
    const [path = '', ...others] = clipsOf(directory);
    expect(others).toEqual([]);
    const clip = join(directory, path);
    const numbers = await numbersIn(clip);
    const [first = NaN] = numbers;
    expect(numbers).toEqual(numbers.map((_, frame) => first + frame));
    expect(first).toBeGreaterThan(20);
    expect(first).toBeLessThan(visits[0].any[0]);
    expect(numbers).toContain(visits[0].seen[1]);
    // The detector finds the person in the clip as it does in the film.
    const persons = detectYolo({ model, classes: ['person'], scoreThreshold: 0.5 });
    const found = await lastValueFrom(camera({ source: clip, pace: false }).pipe(persons, toArray()));
    const [from, to] = visits[0].seen.map((number) => number - first);
    const within = found.slice(from, (to ?? 0) + 1);
    expect(within.filter(({ objects }) => objects.length > 0).length).toBeGreaterThan(within.length * 0.95);
    expect(found.slice(0, visits[0].any[0] - first).every(({ objects }) => objects.length === 0)).toBe(true);
  });
});

test('what it does not know is refused on the command line', async () => {
  const { code, stderr } = await start(['graph', compiled('motionRecorder'), '--', '--pre-roll', '3']).ended;
  expect([code, stderr]).toEqual([1, expect.stringContaining('expected --source, --directory, --pre-roll-ms')]);
});
