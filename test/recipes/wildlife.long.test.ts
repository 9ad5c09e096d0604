import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage, drawScene, encodeJpeg, listBlobs, loadBlob } from 'edgeflow/operators';
import type { BlobRef, Frame } from 'edgeflow/operators';
import { wildlife } from 'edgeflow/recipes/wildlife';
import { firstValueFrom, from, lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { lacks, temporaryFolder, until } from '../operators/systemSupport.js';
import { cliOfFile } from '../support/cli.js';
import { compiled, runWatched } from './watch.js';

const start = cliOfFile();
const size = { width: 640, height: 360 };

/** What is before the camera at times: nothing, or somebody with a dog. */
const moments = new Map<string, Frame>();

/** Which moment a picture shows: the one that it differs least from. */
function momentIn({ data }: Frame): string | undefined {
  const distance = (other: Frame): number => {
    let sum = 0;
    for (let at = 0; at < data.length; at++) sum += Math.abs((data[at] ?? 0) - (other.data[at] ?? 0));
    return sum;
  };
  return [...moments].sort(([, a], [, b]) => distance(a) - distance(b))[0]?.[0];
}

const momentOf = async (jpeg: Frame): Promise<string | undefined> => momentIn(await firstValueFrom(of(jpeg).pipe(decodeImage())));

/** A device that shows what it is told to. */
function device(): { readonly name: string; readonly show: (moment: string) => Promise<void> } {
  const path = join(temporaryFolder(), 'still.jpg');
  return {
    name: `FILE:${path}`,
    show: async (moment) => {
      const frame = moments.get(moment);
      if (!frame) throw new Error(`there is no moment '${moment}'`);
      const { data } = await firstValueFrom(of(frame).pipe(encodeJpeg({ quality: 95 })));
      // In one step: no picture is taken of half a file.
      writeFileSync(`${path}.new`, data);
      renameSync(`${path}.new`, path);
    },
  };
}

const draw = drawScene({ seed: 3, ...size, fps: 1, traffic: { dogs: 0.5 } });
for (let index = 0; moments.size < 6; index++) {
  const { frame, objects } = draw(index);
  const kind = objects.length === 0 ? 'empty' : objects.some(({ label, visible }) => label === 'dog' && visible > 0.9) ? 'dog' : undefined;
  const count = [...moments.keys()].filter((name) => name.startsWith(`${kind}`)).length;
  if (kind !== undefined && count < 3) moments.set(`${kind} ${count}`, frame);
}

describe.skipIf(lacks('fswebcam'))('wildlife', () => {
  test('keeps every still with a visitor, and none without', { timeout: 180_000 }, async () => {
    const directory = temporaryFolder();
    const { name, show } = device();
    await show('empty 0');
    const taken: Frame[] = [];
    const kept: BlobRef[] = [];
    const running = await runWatched(wildlife({ device: name, everyMs: 50, ...size, directory }), {
      webcam: (frame: Frame) => taken.push(frame),
      trap: (blob: BlobRef) => kept.push(blob),
    });
    for (const moment of ['empty 0', 'dog 0', 'dog 1', 'empty 1', 'dog 2', 'empty 2', 'empty 0']) {
      await show(moment);
      const before = taken.length;
      // The first one after may have been taken before.
      await until(`stills of ${moment}`, () => taken.length > before + 3);
    }
    await running.stop();
    const shown = await Promise.all(taken.map(momentOf));
    const visits = taken.filter((_, at) => shown[at]?.startsWith('dog') === true).map(({ index }) => index);
    expect(visits.length).toBeGreaterThan(8);
    expect(kept.map(({ index }) => index)).toEqual(visits);
    const files = await lastValueFrom(from(listBlobs(directory)).pipe(loadBlob({ directory }), toArray()));
    expect(files.map(({ index }) => index)).toEqual(visits);
  });
});

test('it can be run by the command line', async () => {
  const { code, stdout } = await start(['graph', compiled('wildlife'), '--', '--device', 'TEST:colourbars', '--every-ms', '1000']).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/webcam.*trap/s);
});
