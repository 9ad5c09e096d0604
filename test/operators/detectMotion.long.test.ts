import { camera, detectMotion, detectYolo } from 'edgeflow/operators';
import { lastValueFrom, map, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { lacks, shared } from './systemSupport.js';

const video = shared('media/one-by-one-person-detection.mp4');
const model = shared('models/yolox_nano.onnx');

test.skipIf(video.absent || model.absent || lacks('ffmpeg'))(
  'something moves in each frame in which a detector finds a person, and not in most of the others',
  async () => {
    const source = { source: video.path, pace: false };
    const people = await lastValueFrom(
      camera({ ...source, concurrency: 2 }).pipe(
        detectYolo({ model: model.path, classes: ['person'], workers: 2 }),
        map(({ objects }) => objects.length > 0),
        toArray(),
      ),
    );
    const figures: string[] = [];
    for (const background of ['running', 'previous'] as const) {
      const moving = await lastValueFrom(
        camera(source).pipe(
          detectMotion({ background }),
          map((motion) => motion.moving),
          toArray(),
        ),
      );
      expect(moving).toHaveLength(people.length);
      const count = (person: boolean, motion: boolean): number =>
        people.filter((value, index) => value === person && moving[index] === motion).length;
      const [found, missed, spared, passed] = [count(true, true), count(true, false), count(false, false), count(false, true)];
      figures.push(`${background}: ${found} of ${found + missed} with a person, ${passed} of ${passed + spared} without`);
      if (background === 'previous') continue;
      expect(missed).toBe(0);
      expect(spared / (spared + passed)).toBeGreaterThan(0.75);
    }
    console.log(`moving frames\n  ${figures.join('\n  ')}`);
  },
  300_000,
);
