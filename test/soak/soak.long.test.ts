import { test } from 'vitest';
import { shortSoak } from './shortSoak.js';

test('2,000 messages and a handful of faults on redis', { timeout: 180_000 }, ({ expect, signal }) =>
  shortSoak('redis', 2_000, expect, signal),
);
