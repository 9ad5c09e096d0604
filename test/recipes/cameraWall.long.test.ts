import { decodeImage, scene, serveMjpeg } from 'edgeflow/operators';
import type { Frame, TiledFrame } from 'edgeflow/operators';
import { cameraWall } from 'edgeflow/recipes/cameraWall';
import { filter, firstValueFrom, from, lastValueFrom, map, of, toArray } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import { freePort, lacks, until } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { compiled, runWatched, stamped, stampIn } from './watch.js';

const start = cliOfFile();

/** A network camera that looks at a street of its own. Each picture has its number in it, the camera's in the highest bits. */
async function streetCamera(camera: number, fps: number): Promise<{ readonly url: string; readonly stall: () => void }> {
  let url = '';
  let stalled = false;
  const subscription = scene({ seed: camera, width: 320, height: 180, fps })
    .pipe(
      // One that hangs keeps its connection.
      filter(() => !stalled),
      map((frame) => stamped(frame, camera * 1_024 + frame.index)),
      serveMjpeg({ port: 0, quality: 90, onListening: (at) => (url = at) }),
    )
    .subscribe();
  onTestFinished(() => {
    subscription.unsubscribe();
  });
  await until('the camera', () => url !== '');
  return { url, stall: () => (stalled = true) };
}

/** Whether a tile has no colour, and nothing bright. */
function isDarkGray({ data, width }: Frame, [left, top, right, bottom]: readonly [number, number, number, number]): boolean {
  for (let y = top; y < bottom; y += 7)
    for (let x = left + 8; x < right - 8; x += 7) {
      const [red = 0, green = 0, blue = 0] = data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
      if (Math.max(red, green, blue) - Math.min(red, green, blue) > 12 || red > 145) return false;
    }
  return true;
}

test.skipIf(lacks('ffmpeg'))('each tile shows its newest frame, whatever the others do', { timeout: 180_000 }, async () => {
  const cameras = await Promise.all([streetCamera(1, 15), streetCamera(2, 5), streetCamera(3, 10)]);
  const port = await freePort();
  const walls: TiledFrame[] = [];
  const given = cameras.map(() => [] as { index: number; stamp: number | undefined }[]);
  const watchCamera = (list: (typeof given)[number]) => (frame: Frame) => {
    list.push({ index: frame.index, stamp: stampIn(frame) });
  };
  const running = await runWatched(cameraWall({ sources: cameras.map(({ url }) => url), columns: 2, width: 640, staleMs: 1_000, port }), {
    wall: (frame: TiledFrame) => walls.push(frame),
    ...Object.fromEntries(given.map((list, place) => [`camera-${place + 1}`, watchCamera(list)])),
  });
  await until('all cameras', () => walls.at(-1)?.tiles.every(({ index }) => index !== undefined && index > 5) === true);
  const whole = walls.length;
  cameras[2].stall();
  await until('the gray tile', () => walls.at(-1)?.tiles[2]?.stale === true);
  const still = walls.at(-1);
  const beside = (): boolean =>
    walls.at(-1)?.tiles[2]?.stale === true && (walls.at(-1)?.tiles[0]?.index ?? 0) > (still?.tiles[0]?.index ?? 0) + 20;
  await until('the others, beside the one that hangs', beside);
  const screen = await fetch(`http://127.0.0.1:${port}/picture.jpg`);
  const shown = await firstValueFrom(of(new Uint8Array(await screen.arrayBuffer())).pipe(decodeImage()));
  expect(shown).toMatchObject({ width: 640, height: 360 });
  // When nothing more comes, each tile has the last that its camera gave.
  for (const { stall } of cameras) stall();
  const isAtRest = (): boolean =>
    walls.at(-1)?.tiles.every(({ stale, index }, place) => stale && index === given[place]?.at(-1)?.index) === true;
  await until('a gray wall of the last frames', isAtRest);
  await running.stop();

  expect(whole).toBeGreaterThan(10);
  const pictures = await lastValueFrom(from(walls).pipe(decodeImage(), toArray()));
  for (const [at, wall] of walls.entries()) {
    const picture = pictures[at];
    if (!picture) throw new Error('a picture is missing');
    for (const [place, tile] of wall.tiles.entries()) {
      const [left, top] = tile.box;
      const before = walls[at - 1]?.tiles[place];
      expect(tile.index ?? -1).toBeGreaterThanOrEqual(before?.index ?? -1);
      if (tile.index === undefined) continue;
      if (tile.stale) {
        expect(isDarkGray(picture, tile.box)).toBe(true);
        continue;
      }
      // What is drawn is the frame that the tile says.
      expect(stampIn(picture, { left, top })).toBe(given[place]?.find(({ index }) => index === tile.index)?.stamp);
    }
  }
  // Each camera shows its own street.
  expect(given.map((list) => new Set(list.map(({ stamp = 0 }) => stamp >> 10)))).toEqual([new Set([1]), new Set([2]), new Set([3])]);
});

test('it can be run by the command line', async () => {
  const { code, stdout } = await start(['graph', compiled('cameraWall'), '--', '--sources', '["a.mp4","b.mp4","c.mp4"]']).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/wall\n +└─realtime→ screen\n.*camera-3\n +└─realtime→ wall/s);
});
