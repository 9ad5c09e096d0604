import { join, resolve } from 'node:path';
import { System } from 'edgeflow';
import type { Ledger } from 'edgeflow';
import Database from 'libsql';
import { peopleCounter } from '#recipes/peopleCounter.js';
import { streetModelPath as streetModel } from '#recipes/street/model.js';
import { describe, expect, test } from 'vitest';
import { lacks, shared, temporaryFolder } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { linkOf } from '../support/system.js';
import { filmFps, filmStreet, footOf, play } from './streetFilm.js';
import type { StreetFilm } from './streetFilm.js';

/** Somebody who passed, and in which frame. */
interface Pass {
  readonly direction: string;
  readonly frame: number;
}

const start = cliOfFile();
const recipe = resolve(import.meta.dirname, '../../dist/recipes/peopleCounter.js');
const film = shared('media/one-by-one-person-detection.mp4');
const model = shared('models/yolox_nano.onnx');

/** The passages that were stored, in the order of their times. */
function storedIn(directory: string, fps: number): Pass[] {
  const database = new Database(join(directory, 'passages.db'), { readonly: true });
  const rows = database.prepare('SELECT time, direction FROM passages ORDER BY time').all() as { time: number; direction: string }[];
  database.close();
  return rows.map(({ time, direction }) => ({ direction, frame: Math.round((time * fps) / 1000) }));
}

/** Who really passes the default line. To go to the left is to the right hand of who goes down. */
function passesOf({ truth }: StreetFilm): Pass[] {
  const sides = new Map<number, number>();
  return truth.flatMap((objects, frame) =>
    objects.flatMap(({ label, track, box }): Pass[] => {
      const [x, y] = footOf(box);
      const side = Math.sign(x - 0.5);
      if (label !== 'person' || side === 0) return [];
      const before = sides.get(track) ?? side;
      sides.set(track, side);
      return side !== before && y >= 0.78 ? [{ direction: side < 0 ? 'in' : 'out', frame }] : [];
    }),
  );
}

/** Each that was found is one that happened, at that time, and none is left. */
function expectSame(found: readonly Pass[], truth: readonly Pass[]): void {
  const left = [...truth];
  for (const { direction, frame } of found) {
    // Who passes behind another is counted when seen again, which for one who walks is within half a second.
    const match = left.findIndex((pass) => pass.direction === direction && frame >= pass.frame - 2 && frame <= pass.frame + filmFps / 2);
    expect(match, `${direction} in frame ${frame} is not among ${JSON.stringify(left)}`).toBeGreaterThanOrEqual(0);
    left.splice(match, 1);
  }
  expect(left).toEqual([]);
}

describe.skipIf(lacks('ffmpeg'))('people who pass a line', { timeout: 600_000 }, () => {
  test.each([5001, 5002, 5003])('of street %i, which the model was not trained on, are counted as they are', async (seed) => {
    const folder = temporaryFolder();
    const street = await filmStreet(folder, { seed }, 30);
    await play(peopleCounter({ source: street.file, fps: filmFps, pace: false, directory: folder, model: streetModel }));
    const truth = passesOf(street);
    expect(truth.length).toBeGreaterThan(5);
    expectSame(storedIn(folder, filmFps), truth);
  });

  test('are counted in processes of their own, from the command line', async () => {
    const folder = temporaryFolder();
    const street = await filmStreet(folder, { seed: 5004 }, 20);
    const options = ['--source', street.file, '--no-pace', '--directory', folder, '--model', streetModel];
    const { code, stdout, stderr } = await start(['run', recipe, '--reset', '--no-table', '--', ...options]).ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('ledger balanced');
    expectSame(storedIn(folder, filmFps), passesOf(street));
  });

  test('are counted at two doors of one System', async () => {
    const folder = temporaryFolder();
    const system = new System('shop');
    const streets = [await filmStreet(folder, { seed: 5005 }, 10), await filmStreet(folder, { seed: 5006 }, 10)];
    streets.forEach(({ file }, door) => {
      const options = { source: file, fps: filmFps, pace: false, directory: join(folder, String(door)), model: streetModel };
      const use = system.use(peopleCounter(options), { prefix: `door${door}` });
      expect(use('counter').name).toBe(`door${door}.counter`);
    });
    await play(system);
    streets.forEach((street, door) => expectSame(storedIn(join(folder, String(door)), filmFps), passesOf(street)));
  });

  test('of a film at its own speed are counted although the detector skips frames', async () => {
    const folder = temporaryFolder();
    const [street, seconds] = [await filmStreet(folder, { seed: 5002 }, 20), 20];
    const options = ['--source', street.file, '--directory', folder, '--model', streetModel];
    const { code, stdout } = await start(['run', recipe, '--reset', '--json', '--', ...options]).ended;
    const ledger = JSON.parse(stdout) as Ledger;
    expect([code, ledger.balanced]).toEqual([0, true]);
    expect(ledger.links.map(({ source, qos }) => `${source} ${qos}`)).toEqual(['camera realtime', 'detector durable', 'counter durable']);
    const { delivered, skipped } = linkOf(ledger, 'camera', 'detector');
    console.warn(`${delivered} frames were looked at, ${skipped} skipped`);
    // So many it takes to follow who walks; a machine that is busy with other things may manage fewer.
    if (delivered < 5 * seconds) return;
    const directions = (passes: readonly Pass[]): string[] => passes.map(({ direction }) => direction).sort();
    expect(directions(storedIn(folder, filmFps))).toEqual(directions(passesOf(street)));
  });

  test.skipIf(film.absent || model.absent)('the six people of a real film are six, who all leave to the right', async () => {
    const folder = temporaryFolder();
    const line = [
      [0.78, 1],
      [0.78, 0.4],
    ] as const;
    await play(peopleCounter({ source: film.path, fps: 10, pace: false, line, directory: folder, model: model.path }));
    // The frame in which the middle of each is seen to pass.
    expectSame(
      storedIn(folder, 10),
      [190, 440, 690, 858, 1190, 1350].map((frame) => ({ direction: 'in', frame })),
    );
  });
});
