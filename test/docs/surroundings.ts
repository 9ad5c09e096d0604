import { MemoryBroker, System, topic } from 'edgeflow';
import type { Broker } from 'edgeflow';
import { compareOutputs, detectMotion, scene, sceneTruth, trackObjects } from 'edgeflow/operators';
import type { BlobRef, Frame } from 'edgeflow/operators';
import { numbered } from 'edgeflow/testing';
import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { defer, filter, from, lastValueFrom, map, toArray, zip } from 'rxjs';
import type { Observable } from 'rxjs';
import { expect } from 'vitest';
import { peopleCounter } from '#recipes/peopleCounter.js';

const view = { seed: 7, width: 320, height: 180, traffic: { walkers: 8, dogs: 2 } };
const shown = await lastValueFrom(scene({ ...view, pace: false, frames: 45 }).pipe(toArray()));
const found = shown.map(sceneTruth(view));

/** The values all at once, the first as if it were of this moment. */
function asOfNow<T extends { readonly time: number }>(values: readonly T[]): Observable<T> {
  return defer(() => {
    const later = Date.now() - (values[0]?.time ?? 0);
    return from(values).pipe(map((value) => ({ ...value, time: value.time + later })));
  });
}

/**
 * What the examples of docstrings take for granted: the names that they leave open, each with what its name says. Files are
 * relative to the current folder.
 */
export function surroundings(broker: Broker = new MemoryBroker()) {
  const frames = asOfNow(shown);
  const detections = asOfNow(found);
  const persons = detections.pipe(filter(({ objects }) => objects.some(({ label }) => label === 'person')));
  const echoes = frames.pipe(map(({ time }) => ({ time, metres: 12 })));
  const inputs: Readonly<Record<string, Observable<unknown>>> = { yolo: detections, 'yolo-next': detections, radar: echoes };
  const system = new System('example', { broker, isolation: 'inline' });
  const source = system.node(() => frames, { name: 'camera' });
  const logger = system.node((input) => input, { name: 'logger' });
  system.link(source).to(logger, 'durable');
  return {
    frames,
    detections,
    live: detections,
    candidate: detections,
    comparisons: compareOutputs({ live: detections, candidate: detections }),
    tracks: detections.pipe(trackObjects()),
    motion: frames.pipe(detectMotion()),
    seen: zip(frames, detections).pipe(map(([frame, found]) => ({ frame, found }))),
    counts: detections.pipe(map(({ source, time, objects }) => ({ source, time, count: objects.length }))),
    persons,
    alarms: persons.pipe(map(({ time }) => ({ time }))),
    alerts: persons.pipe(map(({ time }) => ({ time }))),
    plates: from(['B 20', 'B 20', 'M 7'].map((text, index) => ({ text, time: 1_000 * index }))),
    readings: from([1, 2, 3].map((time) => ({ time, values: [time, 0, 1] }))),
    labels: ['red', 'blue'],
    corners: [
      { image: [0, 0.5], ground: [0, 20] },
      { image: [1, 0.5], ground: [10, 20] },
      { image: [1, 1], ground: [10, 0] },
      { image: [0, 1], ground: [0, 0] },
    ] as const,
    line: [[0, 0.6], [1, 0.6]] as const, // prettier-ignore
    input: <T>(name: string) => (inputs[name] ?? frames) as Observable<T>,
    pictures: topic<Frame>('pictures'),
    files: ['archive/door-1.jpg', 'archive/door-2.jpg'],
    ...{ door: 'door.mp4', yard: 'yard.mp4' },
    system,
    logger,
    source: 'street.mp4',
    peopleCounter,
    message: numbered(1),
    readFile,
    ...{ fc, expect },
    show: console.log,
    insert: (rows: readonly unknown[]) => Promise.resolve(rows.length),
    upload: ({ index }: Frame) => Promise.resolve(index),
    describe: ({ width, height }: Frame) => Promise.resolve(`${width}x${height}`),
    detect: (value: number) => Promise.resolve(value),
    read: (value: number) => Promise.resolve(value),
    sensor: { read: () => new Promise<number>((resolve) => setImmediate(() => resolve(20.5))) },
    lastStored: () => 1,
    rowsSince,
    references: from([] as BlobRef[]),
  };
}

async function* rowsSince(number: number): AsyncGenerator<{ readonly number: number }> {
  for (const next of [number + 1, number + 2]) yield await Promise.resolve({ number: next });
}
