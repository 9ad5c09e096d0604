import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Reads so many frames of 1080p from a pipe, as a camera does, in a program of some size; prints how often V8 went through the heap for the last half of them. */
const readFrames = `
  import 'edgeflow/operators';
  import { spawn } from 'node:child_process';
  import { constants, PerformanceObserver } from 'node:perf_hooks';
  import { watchCollections } from '#src/system/collections.js';
  const frames = 400;
  const frameBytes = 1920 * 1080 * 3;
  let read = 0;
  let collections = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries())
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR && read > frames / 2) collections++;
  }).observe({ entryTypes: ['gc'] });
  watchCollections();
  const source = spawn('cat', ['/dev/zero'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let frame;
  let filled = 0;
  for await (const chunk of source.stdout) {
    for (let at = 0; at < chunk.length;) {
      frame ??= Buffer.allocUnsafe(frameBytes);
      const copied = chunk.copy(frame, filled, at);
      at += copied;
      filled += copied;
      if (filled < frameBytes) continue;
      frame = undefined;
      filled = 0;
      read++;
    }
    if (read >= frames) break;
  }
  await new Promise((resolve) => setImmediate(resolve));
  console.log(collections);
  process.exit();`;

test('frames do not make V8 go through the whole heap, again and again', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', readFrames], { encoding: 'utf8' });
  expect(stderr).toBe('');
  // Every fourth frame without it; a few until it is seen.
  expect(Number(stdout)).toBeLessThanOrEqual(5);
});
