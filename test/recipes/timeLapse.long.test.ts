import { join } from 'node:path';
import { timeLapse } from 'edgeflow/recipes/timeLapse';
import { camera, recordVideo, scene } from 'edgeflow/operators';
import type { ClipRef, Frame } from 'edgeflow/operators';
import { lastValueFrom, map, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { timesOf } from '../operators/sinkKills.js';
import { lacks, temporaryFolder } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { compiled, runWatched, stamped, stampIn } from './watch.js';

const start = cliOfFile();

/** A film of a street, 10 pictures a second, each with its number in it. */
async function streetFilm(frames: number): Promise<string> {
  const directory = temporaryFolder();
  const street = scene({ width: 320, height: 180, fps: 10, pace: false, frames });
  const numbered = street.pipe(map((frame) => ({ ...stamped(frame, frame.index), time: 1_700_000_000_000 + frame.index * 100 })));
  const { path } = await lastValueFrom(numbered.pipe(recordVideo({ directory })));
  return join(directory, path);
}

test.skipIf(lacks('ffmpeg'))(
  'the film has the first picture of each period, and each has its exact time',
  { timeout: 180_000 },
  async () => {
    const directory = temporaryFolder();
    const taken: { time: number; number: number | undefined }[] = [];
    const films: ClipRef[] = [];
    const running = await runWatched(timeLapse({ source: await streetFilm(80), everyMs: 500, fps: 25, directory }), {
      camera: (frame: Frame) => taken.push({ time: frame.time, number: stampIn(frame) }),
      film: (film: ClipRef) => films.push(film),
    });
    const { ledger } = await running.done;
    expect(ledger.balanced).toBe(true);
    expect(taken.length).toBeGreaterThan(40);

    const periodOf = ({ time }: { time: number }): number => Math.floor(time / 500);
    const firsts = taken.filter((each, at) => at === 0 || periodOf(each) !== periodOf(taken[at - 1] ?? each));
    expect(firsts.length).toBeGreaterThan(10);
    // One film, but where midnight (UTC) came in between.
    const shown = await Promise.all(
      films.map(async ({ path }) => {
        const film = join(directory, path);
        const pictures = await lastValueFrom(
          camera({ source: film, pace: false }).pipe(
            map((frame) => stampIn(frame)),
            toArray(),
          ),
        );
        return { times: await timesOf(film), pictures };
      }),
    );
    expect(shown.flatMap(({ pictures }) => pictures)).toEqual(firsts.map(({ number }) => number));
    let at = 0;
    for (const { times } of shown) {
      const [first, ...rest] = firsts.slice(at, (at += times.length));
      expect(times).toEqual([first, ...rest].map((each) => each && first && (periodOf(each) - periodOf(first)) * 40));
    }
  },
);

test('it can be run by the command line', async () => {
  const { code, stdout } = await start(['graph', compiled('timeLapse'), '--', '--source', 'x.mp4', '--every-ms', '1000']).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/camera.*film/s);
});
