import { QoS, System } from 'edgeflow';
import { interval, map, mergeMap, NEVER } from 'rxjs';

interface Frame {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly format: 'gray8';
  readonly source: string;
  readonly index: number;
  readonly time: number;
}

const [width, height] = [320, 180] as const;

/** Sixteen cameras whose picture is a bright block that moves, two of them to each of eight finders, and six nodes further down. */
export function crossroads(): System {
  const system = new System('crossroads');
  const finders = Array.from({ length: 8 }, (_, index) =>
    system.node(
      (frames) =>
        frames.pipe(
          map((value) => {
            const { source, index: frame, time } = value as Frame;
            const left = frame % (width - 40);
            const objects = [{ label: 'block', score: 0.9, box: [left, 60, left + 40, 100], id: 1 }];
            return { objects, width, height, source, index: frame, time };
          }),
        ),
      { name: `find-${index + 1}` },
    ),
  );
  for (let index = 0; index < 16; index++) {
    const source = `camera-${index + 1}`;
    const camera = system.node(
      () =>
        interval(200).pipe(
          map((frame): Frame => {
            const data = new Uint8Array(width * height).fill(index * 8);
            for (let row = 60; row < 100; row++)
              data.fill(255, row * width + (frame % (width - 40)), row * width + (frame % (width - 40)) + 40);
            return { data, width, height, format: 'gray8', source, index: frame, time: Date.now() };
          }),
        ),
      { name: source },
    );
    const finder = finders[index >> 1];
    if (finder) system.link(camera).to(finder, QoS.REALTIME);
  }
  for (let index = 0; index < 6; index++) {
    const sink = system.node((values) => values.pipe(mergeMap(() => NEVER)), { name: `sink-${index + 1}` });
    const finder = finders[index];
    if (finder) system.link(finder).to(sink, QoS.REALTIME);
  }
  return system;
}
