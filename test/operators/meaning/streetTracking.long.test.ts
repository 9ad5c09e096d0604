import { describe, expect, test } from 'vitest';
import { scoreTracking } from './trackingScore.js';
import type { TrackingScore } from './trackingScore.js';
import { streetFrames, trackStreet } from './streetTracking.js';
import type { StreetFrame } from './streetTracking.js';

/** Options were chosen on seeds 101 to 106. */
const seeds = Array.from({ length: 20 }, (_, at) => 2001 + at);
const mistakes = { missed: 0.1, jitter: 0.05, invented: 0.5 };
const mean = (scores: readonly TrackingScore[], of: (score: TrackingScore) => number): number =>
  scores.reduce((sum, score) => sum + of(score), 0) / scores.length;

describe('follows the street of 20 seeds that it was not tuned on', () => {
  const streets = new Map<number, StreetFrame[]>();
  const streetOf = (seed: number): StreetFrame[] => {
    const frames = streets.get(seed) ?? streetFrames(seed, 300);
    streets.set(seed, frames);
    return frames;
  };
  test.each([
    ['every frame, nothing expected', 1, 0, 0.85, 0.85],
    ['every frame', 1, 300, 0.9, 0.85],
    ['every 2nd frame', 2, 300, 0.9, 0.85],
    ['every 3rd frame', 3, 300, 0.85, 0.85],
  ])('%s', { timeout: 600_000 }, async (name, every, coastMs, mota, idf1) => {
    const scores: TrackingScore[] = [];
    for (const seed of seeds)
      scores.push(scoreTracking(await trackStreet(streetOf(seed), { seed, every, mistakes, options: { coastMs } })));
    const worst = Math.min(...scores.map((score) => score.mota));
    const of = (pick: (score: TrackingScore) => number): string => mean(scores, pick).toFixed(3);
    console.warn(
      `${name}, coastMs ${coastMs}: MOTA ${of((score) => score.mota)} (worst ${worst.toFixed(3)}), IDF1 ${of((score) => score.idf1)}, ` +
        `missed ${of((score) => score.missed / score.objects)}, wrong ${of((score) => score.wrong / score.objects)}, ` +
        `switches ${of((score) => score.switches)} of ${of((score) => score.objects)} boxes a street`,
    );
    expect(mean(scores, (score) => score.mota)).toBeGreaterThanOrEqual(mota);
    expect(mean(scores, (score) => score.idf1)).toBeGreaterThanOrEqual(idf1);
  });
});
