import { resolve } from 'node:path';
import { until } from 'edgeflow/testing';
import { describe, expect, test } from 'vitest';
import { counts, demo, detections, goesOnWhenKilled, model, pictures, root } from './demoRun.js';

describe('the demo', () => {
  test('detects on the generated street, logs and records, and ends with a balanced ledger', async () => {
    const { child, ended } = demo();
    await until('40 frames were looked at', () => detections().length >= 40, 30_000);
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/ledger balanced\n$/);
    const looked = counts(stdout, 'camera → yolo');
    const logged = counts(stdout, 'yolo → logger');
    const recorded = counts(stdout, 'camera → recorder');
    expect(logged).toMatchObject({ published: looked.delivered, acked: looked.delivered, pending: 0 });
    expect(recorded).toMatchObject({ acked: recorded.published, pending: 0 });
    expect(detections()).toHaveLength(logged.acked ?? -1);
    expect(pictures()).toHaveLength(recorded.acked ?? -1);
    const labels = new Set(detections().flatMap(({ objects }) => objects.map(({ label }) => label)));
    expect(labels).toContain('person');
    expect(labels).toContain('car');
  }, 60_000);

  // With two Redises, and with a real film: demo.long.test.ts.
  test('goes on when its workers are killed', () => goesOnWhenKilled('embedded'), 120_000);

  test.each([
    ['a source that is not there', ['--source', '/nowhere.mp4', '--model', model], /SOURCE_MISSING: .*\/nowhere\.mp4/],
    ['a model that is not there', ['--model', '/nowhere.onnx'], /MODEL_MISSING: .*\/nowhere\.onnx/],
    ['a model that is none', ['--model', resolve(root, 'package.json')], /MODEL_INVALID: .*package\.json/],
  ])(
    '%s is one clear error',
    async (_, args, message) => {
      const { code, stderr } = await demo(...args).ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/\n\s+at /);
    },
    40_000,
  );
});
