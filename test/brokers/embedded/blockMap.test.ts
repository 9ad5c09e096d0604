import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockMap } from '#src/brokers/embedded/blockMap.js';

test('random takes and releases: what is taken is apart, inside, and first fits', () => {
  const step = fc.oneof(fc.record({ take: fc.integer({ min: 1, max: 12 }) }), fc.record({ release: fc.nat() }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const size = 40;
      const map = new BlockMap(new Uint8Array(size));
      const runs = new Map<number, number>();
      const isFree = (block: number): boolean => [...runs].every(([start, count]) => block < start || block >= start + count);
      const firstFit = (count: number): number | undefined => {
        for (let start = 0; start + count <= size; start++) {
          if (Array.from({ length: count }, (_, index) => start + index).every(isFree)) return start;
        }
        return undefined;
      };
      for (const each of steps) {
        if ('take' in each) {
          const expected = firstFit(each.take);
          expect(map.take(each.take)).toBe(expected);
          if (expected !== undefined) runs.set(expected, each.take);
        } else {
          const start = [...runs.keys()][each.release % Math.max(1, runs.size)];
          if (start === undefined) continue;
          map.release(start);
          runs.delete(start);
        }
        expect([...map.beginnings()]).toEqual([...runs.keys()].sort((a, b) => a - b));
        expect(Array.from({ length: size }, (_, block) => map.begins(block) === runs.has(block)).every(Boolean)).toBe(true);
      }
    }),
  );
});
