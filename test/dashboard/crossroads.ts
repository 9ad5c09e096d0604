import { QoS, System } from 'edgeflow';
import { interval, map, mergeMap, NEVER } from 'rxjs';
import { fixture } from '../support/system.js';

const [width, height] = [320, 180] as const;

/** A picture with a bright block that moves. */
function picture(source: string, shade: number, index: number): object {
  const left = index % (width - 40);
  const data = new Uint8Array(width * height).fill(shade);
  for (let row = 60; row < 100; row++) data.fill(255, row * width + left, row * width + left + 40);
  return { data, width, height, format: 'gray8', source, index, time: Date.now(), left };
}

/** Sixteen cameras, two of them to each of eight finders, which are processes, and six nodes further down that read those. */
export function crossroads(): System {
  const system = new System('crossroads', { isolation: 'inline' });
  const finders = Array.from({ length: 8 }, (_, index) =>
    system.node(fixture('nodes/blockFinder.ts'), { name: `find-${index + 1}`, isolation: 'process' }),
  );
  for (let index = 0; index < 16; index++) {
    const name = `camera-${index + 1}`;
    const camera = system.node(() => interval(200).pipe(map((frame) => picture(name, index * 8, frame))), { name });
    const finder = finders[index >> 1];
    if (finder) system.link(camera).to(finder, QoS.REALTIME);
  }
  const sinks = Array.from({ length: 6 }, (_, index) =>
    system.node((values) => values.pipe(mergeMap(() => NEVER)), { name: `sink-${index + 1}` }),
  );
  // A node that nobody reads publishes nothing: the last two share sinks with the first.
  finders.forEach((finder, index) => {
    const sink = sinks[index % sinks.length];
    if (sink) system.link(finder).to(sink, index % 2 === 0 ? QoS.DURABLE : QoS.REALTIME);
  });
  return system;
}
