import { describe, expect, test } from 'vitest';
import { attemptOf, firstToken, handedBack, nextToken, redriven } from '#src/brokers/token.js';

const most = 2 ** 32 - 1;

/** What the embedded broker can store, and tells from none. */
function expectStorable(token: number): void {
  expect(token).toSatisfy((value: number) => Number.isInteger(value) && value > 0 && value <= most);
}

describe('tokens of a message', () => {
  test('attempts are counted, and what is handed back is not', () => {
    expect(attemptOf(firstToken)).toBe(1);
    expect(attemptOf(nextToken(nextToken(firstToken)))).toBe(3);
    expect(attemptOf(nextToken(handedBack(nextToken(firstToken))))).toBe(2);
    expect(attemptOf(redriven(nextToken(firstToken)))).toBe(0);
  });

  test('handed back 200,000 times: each token is another than those before it, and can be stored', () => {
    let token = nextToken(firstToken);
    let last = new Set<number>();
    for (let times = 0; times < 200_000; times++) {
      const back = handedBack(token);
      const next = nextToken(back);
      expectStorable(back);
      expectStorable(next);
      expect(attemptOf(next)).toBe(2);
      expect(last.has(next)).toBe(false);
      if (last.size === 60_000) last = new Set();
      last.add(next);
      token = next;
    }
  });

  test('failed 200,000 times: the attempts stay at their end, and each token is another', () => {
    let token = firstToken;
    for (let times = 0; times < 200_000; times++) {
      const next = nextToken(token);
      expectStorable(next);
      expect(next).not.toBe(token);
      expect(attemptOf(next)).toBe(Math.min(times + 2, 65_535));
      token = next;
    }
  });

  test.each([most, most - 1, 2 ** 32 - 2 ** 16, 2 ** 32 - 2 ** 16 + 1])(
    'from %i on no step leads out of bounds, or to an older count',
    (token) => {
      for (const step of [nextToken, redriven]) {
        expectStorable(step(token));
        expect(step(token)).not.toBe(token);
      }
      expect(attemptOf(redriven(token))).toBe(0);
      if (attemptOf(token) > 0) expectStorable(handedBack(token));
      expect(attemptOf(nextToken(token))).toBe(Math.min(attemptOf(token) + 1, 65_535));
    },
  );
});
