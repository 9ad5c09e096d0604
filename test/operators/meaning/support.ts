import { deliver } from '#src/flow/delivery.js';
import type { Settlement } from '#src/flow/delivery.js';
import type { Box, Detection, Detections, Track, Tracks } from 'edgeflow/operators';
import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';

/** Detections of a picture of 100 by 100 pixels. */
export function detectionsAt(time: number, objects: readonly Detection[], changes: Partial<Detections> = {}): Detections {
  return { objects, width: 100, height: 100, time, index: time / 100, source: 'test', model: 'none', ...changes };
}

/** Something found. */
export const find = (box: Box, changes: Partial<Detection> = {}): Detection => ({
  label: 'person',
  classId: 0,
  score: 0.9,
  box,
  ...changes,
});

/** An object that stands at a place. */
export function trackAt(id: number, x: number, y: number, changes: Partial<Track> = {}): Track {
  return { ...find([x - 4, y - 10, x + 4, y]), id, ageMs: 0, hits: 1, found: true, velocity: [0, 0], ...changes };
}

/** A frame each 100 ms with objects by their place in it. */
export function framesOf(frames: readonly (readonly Track[])[], changes: Partial<Tracks> = {}): Tracks[] {
  return frames.map((objects, at) => ({ ...detectionsAt(at * 100, []), objects, ...changes }));
}

/** One object on its way, a place for each frame. */
export const walk = (places: readonly (readonly [number, number])[]): Tracks[] => framesOf(places.map(([x, y]) => [trackAt(1, x, y)]));

/** All that an operator makes of values. */
export const through = <A, B>(values: readonly A[], operator: OperatorFunction<A, B>): Promise<B[]> =>
  lastValueFrom(from(values).pipe(operator, toArray()));

/** Sends values as deliveries, one after the other; tells how each settled. */
export async function settle<A, B>(values: readonly A[], operator: OperatorFunction<A, B>): Promise<{ settled: Settlement[]; out: B[] }> {
  const input = new Subject<A>();
  const out: B[] = [];
  const stream: Observable<B> = input.pipe(operator);
  const subscription = stream.subscribe((value) => out.push(value));
  const settled: Settlement[] = [];
  for (const value of values) {
    settled.push(
      await new Promise<Settlement>((resolve) => {
        deliver({ id: 'm', onSettled: resolve }, () => input.next(value));
      }),
    );
  }
  subscription.unsubscribe();
  return { settled, out };
}
