import { nms } from '#operators/yolo/nms.js';
import { iou } from 'edgeflow/operators';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const candidate = fc
  .tuple(
    fc.integer({ min: 0, max: 50 }),
    fc.integer({ min: 0, max: 50 }),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 0, max: 10 }),
    fc.integer({ min: 0, max: 2 }),
  )
  .map(([x, y, width, height, score, classId]) => ({ box: [x, y, x + width, y + height] as const, score: score / 10, classId }));
const candidates = fc.array(candidate, { maxLength: 40 });
const threshold = fc.double({ min: 0, max: 1, noNaN: true });

test('what is kept is a subset, best first, of which no two of a class overlap more than allowed', () => {
  fc.assert(
    fc.property(candidates, threshold, (all, limit) => {
      const kept = nms(all, limit, 1000);
      for (const [i, one] of kept.entries()) {
        expect(all).toContain(one);
        const before = kept.slice(0, i);
        for (const better of before) {
          expect(better.score).toBeGreaterThanOrEqual(one.score);
          if (better.classId === one.classId) expect(iou(better.box, one.box)).toBeLessThanOrEqual(limit);
        }
      }
    }),
  );
});

test('what is dropped is covered by a better one of its class', () => {
  fc.assert(
    fc.property(candidates, threshold, (all, limit) => {
      const kept = nms(all, limit, 1000);
      for (const one of all) {
        if (kept.includes(one)) continue;
        expect(kept.some((better) => better.classId === one.classId && better.score >= one.score && iou(better.box, one.box) > limit)).toBe(
          true,
        );
      }
    }),
  );
});

test('doing it twice changes nothing', () => {
  fc.assert(
    fc.property(candidates, threshold, (all, limit) => {
      const kept = nms(all, limit, 1000);
      expect(nms(kept, limit, 1000)).toEqual(kept);
    }),
  );
});

test('the limit keeps the best', () => {
  fc.assert(
    fc.property(candidates, threshold, fc.integer({ min: 1, max: 10 }), (all, limit, count) => {
      expect(nms(all, limit, count)).toEqual(nms(all, limit, 1000).slice(0, count));
    }),
  );
});
