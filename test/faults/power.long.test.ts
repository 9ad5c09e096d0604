import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { expectPowerLossesHarmless } from './powerLosses.js';

test('an embedded store that outlives power: nothing that was confirmed is lost, a commit is whole or not at all', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgeflow-power-'));
  try {
    await expectPowerLossesHarmless(folder, 200);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
