import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { demo, detections, film, goesOnWhenKilled, model, root } from './demoRun.js';

test.each(['embedded', 'redis'] as const)(
  'the demo goes on when its workers, and its two Redises, are killed: %s',
  (broker) => goesOnWhenKilled(broker),
  120_000,
);

test.skipIf(!existsSync(film))(
  'the demo finds people in every frame of a real street, with a real model (needs ../shared)',
  async () => {
    const { child, ended } = demo('--source', film, '--model', model);
    await until('40 frames were looked at', () => detections().length >= 40, 40_000);
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/camera → recorder \(durable\): (\d+) published = \1 acked/);
    const seen = detections();
    expect(seen.every(({ objects }) => objects.some(({ label }) => label === 'person'))).toBe(true);
  },
  60_000,
);

test.each([
  ['a source that is not there', ['--source', '/nowhere.mp4', '--model', model], /SOURCE_MISSING: .*\/nowhere\.mp4/],
  ['a model that is not there', ['--model', '/nowhere.onnx'], /MODEL_MISSING: .*\/nowhere\.onnx/],
  ['a model that is none', ['--model', resolve(root, 'package.json')], /MODEL_INVALID: .*package\.json/],
])(
  'the demo with %s: one clear error',
  async (_, args, message) => {
    const { code, stderr } = await demo(...args).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  },
  40_000,
);
