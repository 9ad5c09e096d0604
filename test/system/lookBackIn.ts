import { readFileSync } from 'node:fs';
import { QoS, System } from 'edgeflow';
import { expect, test } from 'vitest';
import { linkOf, nodeFile, runsOfFile, temporaryFolder } from '../support/system.js';
import type { Place } from '../support/system.js';

const seconds = 0.3;

/** A detector sees one frame in ten, and whoever looks back sees all of them, wherever the nodes run. */
export function lookBackIn(places: readonly Place[]): void {
  const folder = temporaryFolder();
  const run = runsOfFile();
  const lines = <T>(name: string): T[] =>
    readFileSync(folder.path(name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as T);

  test.each(places)('$isolation on $on: every frame before each sighting, also those that the detector skipped', async (place) => {
    const system = new System('hindsight');
    const camera = system.node(nodeFile('filming'), {
      name: 'camera',
      frames: 100,
      fps: 100,
      file: folder.path('filmed'),
      retain: { seconds: 60 },
    });
    const eye = system.node(nodeFile('slowEye'), { name: 'eye', workMs: 100 });
    const back = system.node(nodeFile('lookingBack'), { name: 'back', file: folder.path('seen'), seconds });
    system.link(camera).to(eye, QoS.REALTIME).to(back, QoS.DURABLE);
    const { done } = await run(system, place.makeBroker(), { isolation: place.isolation });
    const { ledger } = await done;
    expect(ledger.balanced).toBe(true);
    expect(linkOf(ledger, 'camera', 'eye').skipped).toBeGreaterThan(0);
    expect(linkOf(ledger, 'eye', 'back')).toMatchObject({ dead: 0, pending: 0 });

    const filmed = lines<{ index: number; time: number }>('filmed');
    const seen = lines<{ index: number; time: number; indices: number[] }>('seen');
    expect(seen).toHaveLength(linkOf(ledger, 'eye', 'back').acked);
    for (const { index, time, indices } of seen) {
      const before = filmed.filter((frame) => frame.time >= time - seconds * 1_000 && frame.time <= time);
      expect(indices).toEqual(before.map((frame) => frame.index));
      expect(indices).toContain(index);
    }
  });
}
