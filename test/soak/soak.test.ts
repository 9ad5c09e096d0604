import { test } from 'vitest';
import { shortSoak } from './shortSoak.js';

test('1,000 messages and a handful of faults on embedded', { timeout: 180_000 }, ({ expect, signal }) =>
  shortSoak('embedded', 1_000, expect, signal),
);
