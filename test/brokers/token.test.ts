import { describe, expect, test } from 'vitest';
import { attemptOf, firstToken, handedBack, nextToken, redriven } from '#src/brokers/token.js';

const most = 2 ** 32 - 1;

/** What the embedded broker can store, and tells from none. */
function isStorable(token: number): boolean {
  return Number.isInteger(token) && token > 0 && token <= most;
}

describe('tokens of a message', () => {
  test('attempts are counted, and what is handed back is not', () => {
    expect(attemptOf(firstToken)).toBe(1);
    expect(attemptOf(nextToken(nextToken(firstToken)))).toBe(3);
    expect(attemptOf(nextToken(handedBack(nextToken(firstToken))))).toBe(2);
    expect(attemptOf(redriven(nextToken(firstToken)))).toBe(0);
  });

  // An assertion for each of so many would take a minute.
  test('handed back 200,000 times: each token is another than those before it, and can be stored', () => {
    const wrong: number[] = [];
    const last = new Set<number>();
    for (let times = 0, token = nextToken(firstToken); times < 200_000; times++) {
      if (times % 60_000 === 0) last.clear();
      const back = handedBack(token);
      token = nextToken(back);
      if (!isStorable(back) || !isStorable(token) || attemptOf(token) !== 2 || last.has(token)) wrong.push(times);
      last.add(token);
    }
    expect(wrong).toEqual([]);
  });

  test('failed 200,000 times: the attempts stay at their end, and each token is another', () => {
    const wrong: number[] = [];
    for (let times = 0, token = firstToken; times < 200_000; times++) {
      const next = nextToken(token);
      if (!isStorable(next) || next === token || attemptOf(next) !== Math.min(times + 2, 65_535)) wrong.push(times);
      token = next;
    }
    expect(wrong).toEqual([]);
  });

  test.each([most, most - 1, 2 ** 32 - 2 ** 16, 2 ** 32 - 2 ** 16 + 1])(
    'from %i on no step leads out of bounds, or to an older count',
    (token) => {
      for (const step of [nextToken, redriven]) {
        expect(step(token)).toSatisfy(isStorable);
        expect(step(token)).not.toBe(token);
      }
      expect(attemptOf(redriven(token))).toBe(0);
      if (attemptOf(token) > 0) expect(handedBack(token)).toSatisfy(isStorable);
      expect(attemptOf(nextToken(token))).toBe(Math.min(attemptOf(token) + 1, 65_535));
    },
  );
});
