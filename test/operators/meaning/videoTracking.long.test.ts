import { camera, detectYolo, trackObjects } from 'edgeflow/operators';
import type { Detections, Tracks } from 'edgeflow/operators';
import { from, lastValueFrom, map, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { haveShared, shared } from '../support.js';

/** What YOLOX-Nano finds in a video, at the times at which it was filmed. */
const found = (file: string, fps: number): Promise<Detections[]> =>
  lastValueFrom(
    camera({ source: shared(`media/${file}`), pace: false }).pipe(
      detectYolo({ model: shared('models/yolox_nano.onnx'), classes: ['person'], scoreThreshold: 0.1 }),
      map((detections, index) => ({ ...detections, time: (index * 1000) / fps })),
      toArray(),
    ),
  );
const follow = (detections: readonly Detections[]): Promise<Tracks[]> => lastValueFrom(from(detections).pipe(trackObjects(), toArray()));

/** Frames in which each object was found. */
function hitsOf(tracks: readonly Tracks[]): Map<number, number[]> {
  const hits = new Map<number, number[]>();
  tracks.forEach(({ objects }, at) => {
    for (const { id } of objects) hits.set(id, [...(hits.get(id) ?? []), at]);
  });
  return hits;
}

/** First and last frame of each time that somebody is in the picture: until nobody is likely to be, for a second. */
function passagesOf(detections: readonly Detections[], fps: number): [number, number][] {
  const passages: [number, number][] = [];
  detections.forEach(({ objects }, at) => {
    if (!objects.some(({ score }) => score >= 0.5)) return;
    const last = passages.at(-1);
    if (last && at - last[1] <= fps) last[1] = at;
    else passages.push([at, at]);
  });
  return passages;
}

describe.skipIf(!haveShared())('on filmed people', { timeout: 600_000 }, () => {
  test('people who pass one at a time are one track each', async () => {
    const detections = await found('one-by-one-person-detection.mp4', 10);
    const passages = passagesOf(detections, 10);
    const hits = [...hitsOf(await follow(detections)).values()];
    console.warn(`${detections.length} frames, ${passages.length} passages, ${hits.length} tracks`);
    expect(passages).toHaveLength(6);
    expect(hits).toHaveLength(6);
    passages.forEach(([first, last], at) => {
      const frames = hits[at] ?? [];
      expect(frames.every((frame) => frame >= first - 10 && frame <= last + 10)).toBe(true);
      expect(frames.length).toBeGreaterThan(0.7 * (last - first));
    });
  });

  test('people who walk in a street', async () => {
    const detections = await found('vtest_20s.mp4', 10);
    const hits = [...hitsOf(await follow(detections)).values()];
    const followed = hits.reduce((sum, frames) => sum + frames.length, 0);
    const likely = detections.reduce((sum, { objects }) => sum + objects.filter(({ score }) => score >= 0.5).length, 0);
    console.warn(`${detections.length} frames, ${likely} likely finds, ${followed} followed, ${hits.length} tracks`);
    // What is likely is followed, but for finds under newScore that no track is at, by few tracks; none is of a passing mistake.
    expect(followed).toBeGreaterThan(0.9 * likely);
    expect(hits.length).toBeLessThanOrEqual(15);
    expect(hits.filter((frames) => frames.length < 10)).toHaveLength(0);
  });
});
