import { camera, detectYolo, trackObjects } from 'edgeflow/operators';
import type { Detections, Tracks } from 'edgeflow/operators';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { haveShared, shared } from '../support.js';

const found = (file: string): Promise<Detections[]> =>
  lastValueFrom(
    camera({ source: shared(`media/${file}`), pace: 'fast' }).pipe(
      detectYolo({ model: shared('models/yolox_nano.onnx'), classes: ['person'], scoreThreshold: 0.1 }),
      toArray(),
    ),
  );
const follow = (detections: readonly Detections[]): Promise<Tracks[]> => lastValueFrom(from(detections).pipe(trackObjects(), toArray()));

/** Frames in which each object was found. */
function hitsOf(tracks: readonly Tracks[]): Map<number, number> {
  const hits = new Map<number, number>();
  for (const { objects } of tracks) for (const { id } of objects) hits.set(id, (hits.get(id) ?? 0) + 1);
  return hits;
}

describe.skipIf(!haveShared())('on filmed people', { timeout: 600_000 }, () => {
  test('people who pass one at a time', async () => {
    const detections = await found('one-by-one-person-detection.mp4');
    const tracks = await follow(detections);
    const runs: string[] = [];
    let [since, seen] = [-1, -1];
    detections.forEach(({ objects }, at) => {
      if (!objects.some(({ score }) => score >= 0.5)) return;
      if (since < 0 || at - seen > 12) { if (since >= 0) runs.push(`${since}-${seen}`); since = at; }
      seen = at;
    });
    runs.push(`${since}-${seen}`);
    console.warn(detections.length, 'frames', detections[1]?.time, detections[2]?.time, 'runs', runs.join(' '));
    console.warn([...hitsOf(tracks)].map(([id, hits]) => `${id}:${hits}@${tracks.findIndex(({ objects }) => objects.some((o) => o.id === id))}`).join(' '));
    expect(1).toBe(1);
  });
  test('people who walk in a street', async () => {
    const tracks = await follow(await found('vtest_20s.mp4'));
    console.warn(tracks.length, [...hitsOf(tracks)].map(([id, hits]) => `${id}:${hits}`).join(' '));
    expect(1).toBe(1);
  });
});
