import { test } from 'vitest';
import { expectPowerLossesHarmless } from './journaled.js';

test('a loss of power leaves the state after one of the transactions, and none before one that was reached; again and again', async () => {
  await expectPowerLossesHarmless(500);
});
