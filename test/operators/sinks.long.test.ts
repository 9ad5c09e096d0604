import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordWithKills, writeWithKills } from './sinkKills.js';
import { lacks, temporaryFolder } from './systemSupport.js';

test.each(['sqlite', 'csv'] as const)('%s: each message has its rows once, whatever is killed', { timeout: 300_000 }, async (kind) => {
  await writeWithKills(kind, join(temporaryFolder(), 'rows'), 40);
});

test.skipIf(lacks('ffmpeg'))('clips can be played after 30 kills', { timeout: 300_000 }, async () => {
  await recordWithKills(temporaryFolder(), 30);
  expect.hasAssertions();
});
