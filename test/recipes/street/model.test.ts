import { expect, it } from 'vitest';
import { evaluateOnStreet } from '#recipes/street/evaluate.js';
import { streetModelPath } from '#recipes/street/model.js';

it('finds what is in streets that it was not trained on: mAP@0.5 of 0.9 or more', async () => {
  const seeds = Array.from({ length: 25 }, (_, at) => 4000 + at);
  const { precision, mean, objects } = await evaluateOnStreet({ model: streetModelPath, seeds });
  for (const count of Object.values(objects)) expect(count).toBeGreaterThan(30);
  expect(mean, JSON.stringify(precision)).toBeGreaterThanOrEqual(0.9);
});
