import { until } from 'edgeflow/testing';
import { describe, expect, test } from 'vitest';
import { counts, demo, detections, pictures } from './demoRun.js';

// Killed, with a real film, and with what is not there: demo.long.test.ts.
describe('the demo', () => {
  test('detects on the generated street, logs and records, and ends with a balanced ledger', async () => {
    const { child, ended } = demo();
    await until('40 frames were looked at', () => detections().length >= 40);
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
  });
});
