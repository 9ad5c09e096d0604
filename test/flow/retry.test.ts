import { fromBroker, QoS } from 'edgeflow';
import type { RetryOptions } from 'edgeflow';
import { expect, test } from 'vitest';
import { retryDelay } from '#src/flow/retry.js';

test('delays grow exponentially up to the longest; after the last delivery there is none', () => {
  const options = { maxDeliveries: 7, initialMs: 100, maxMs: 1_000, factor: 2, jitter: 0 };
  const delays = [1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => retryDelay(attempt, options));
  expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000, undefined, undefined]);
});

test('a share of the delay is drawn at random', () => {
  const options = { initialMs: 1_000, jitter: 0.3 };
  expect([0, 0.5, 1].map((random) => retryDelay(1, options, random))).toEqual([1_000, 850, 700]);
  const drawn = Array.from({ length: 100 }, () => retryDelay(2, { initialMs: 100, jitter: 1 }) ?? Infinity);
  expect(new Set(drawn).size).toBeGreaterThan(1);
  expect(drawn.every((delay) => delay >= 0 && delay <= 200)).toBe(true);
});

test('the ten-thousandth delay is one too', () => {
  expect(retryDelay(10_000, { maxDeliveries: Infinity, jitter: 0 })).toBe(30_000);
  expect(retryDelay(10_000, { maxDeliveries: Infinity, initialMs: 0 })).toBe(0);
});

test.each<RetryOptions>([
  { maxDeliveries: 0 },
  { maxDeliveries: 1.5 },
  { maxDeliveries: Number.NaN },
  { initialMs: -1 },
  { initialMs: Infinity },
  { maxMs: -1 },
  { maxMs: Number.NaN },
  { factor: 0.9 },
  { factor: Infinity },
  { jitter: -0.1 },
  { jitter: 1.1 },
  { jitter: Number.NaN },
])('%o is refused', (retry) => {
  const [name = ''] = Object.keys(retry);
  expect(() => fromBroker('numbers', QoS.DURABLE, { retry })).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining(`retry.${name} is`) as string }),
  );
});
