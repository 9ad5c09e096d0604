import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { camera, recordVideo } from 'edgeflow/operators';
import { from, lastValueFrom, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { recordWithKills, timesOf, writeWithKills } from './sinkKills.js';
import { lacks, shared, temporaryFolder } from './systemSupport.js';

const noFfmpeg = lacks('ffmpeg');
const noon = Date.UTC(2026, 10, 23, 12);
const street = shared('media/vtest_20s.mp4');

test.each(['sqlite', 'csv'] as const)('%s: each message has its rows once, whatever is killed', { timeout: 300_000 }, async (kind) => {
  await writeWithKills(kind, join(temporaryFolder(), 'rows'), 40);
});

test(
  'parquet: what is settled is in a whole file, all comes to be in one, and what came again tells itself by its id',
  {
    timeout: 300_000,
  },
  async () => {
    await writeWithKills('parquet', join(temporaryFolder(), 'lake'), 40);
  },
);

test.skipIf(noFfmpeg)('clips can be played after 30 kills', { timeout: 300_000 }, async () => {
  await recordWithKills(temporaryFolder(), 30);
  expect.hasAssertions();
});

test.skipIf(noFfmpeg || street.absent)('a real street, with the encoder that every ffmpeg has and less pictures a second', async () => {
  const directory = temporaryFolder();
  const seen = await lastValueFrom(camera({ source: `lavfi:movie=${street.path},trim=end_frame=20`, pace: false }).pipe(toArray()));
  const values = seen.map((each, index) => ({ ...each, time: noon + index * 100 }));
  const clips = await lastValueFrom(from(values).pipe(recordVideo({ directory, encoder: 'mpeg4', fps: 5 }), toArray()));
  expect(clips).toMatchObject([{ frames: 10, width: 768, encoder: 'mpeg4', durationMs: 1_800 }]);
  const clip = join(directory, clips[0]?.path ?? '');
  expect(await timesOf(clip)).toEqual(Array.from({ length: 10 }, (_, index) => index * 200));
  const shown = execFileSync('ffmpeg', ['-v', 'error', '-i', clip, '-vframes', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1']);
  expect(new Set(shown).size).toBeGreaterThan(100);
});
