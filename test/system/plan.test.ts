import { hasCode, QoS, System } from 'edgeflow';
import type { NodeOptions } from 'edgeflow';
import { expect, test } from 'vitest';
import { planSystem } from '#src/system/plan.js';
import type { SystemPlan } from '#src/system/plan.js';

const frame = 640 * 480 * 3;

/** The plan of camera → consumer, without running anything. */
function planOf(qos: QoS, camera: NodeOptions, consumer: NodeOptions): SystemPlan {
  const system = new System('planned');
  const nothing = (): never => {
    throw new Error('a plan runs no node');
  };
  system.link(system.node(nothing, { name: 'camera', ...camera })).to(system.node(nothing, { name: 'consumer', ...consumer }), qos);
  return planSystem(system.graph());
}

test('REALTIME: a slow target skips what it has no time for, and the bytes stay few', () => {
  const { links, worstBytes } = planOf(QoS.REALTIME, { expects: { messagesPerSecond: 30, bytes: frame } }, { expects: { workMs: 100 } });
  expect(links).toEqual([
    expect.objectContaining({
      rate: 30,
      capacity: 10,
      load: 3,
      waitMs: expect.closeTo(33.3, 1) as number,
      heldBytes: frame * 3,
      warnings: [],
    }),
  ]);
  expect(links[0]?.skippedShare).toBeCloseTo(2 / 3);
  expect(worstBytes).toBe(frame * 3);
});

test('DURABLE: a target that cannot keep up is warned of, with the time until the topic is full and the mend', () => {
  const { links } = planOf(
    QoS.DURABLE,
    { expects: { messagesPerSecond: 30, bytes: frame }, maxBytes: frame * 200 },
    { expects: { workMs: 50 } },
  );
  expect(links[0]?.warnings).toEqual([
    expect.stringMatching(
      /^'consumer' cannot keep up: 30\/s come, it takes 20\/s\. The 176 MiB of its topic are full after 20 s; 'camera' then waits for it\. 2 replicas would do$/,
    ),
  ]);
  expect(links[0]).toMatchObject({ waitMs: Infinity, worstBytes: frame * 201 });
});

test('DURABLE: replicas share the work, and a target that keeps up waits as a queue does', () => {
  const camera = { expects: { messagesPerSecond: 10, bytes: 100 } };
  const one = planOf(QoS.DURABLE, camera, { expects: { workMs: 50 } }).links[0];
  // M/D/1 at a load of one half: half of the work.
  expect(one).toMatchObject({ load: 0.5, waitMs: expect.closeTo(25, 5) as number, warnings: [] });
  expect(planOf(QoS.DURABLE, camera, { expects: { workMs: 50 }, replicas: 2 }).links[0]).toMatchObject({ load: 0.25, capacity: 40 });
});

test('rates go on through the graph, and what nobody declared is named', () => {
  const system = new System('chain');
  const nothing = (): never => {
    throw new Error('a plan runs no node');
  };
  const camera = system.node(nothing, { name: 'camera', expects: { messagesPerSecond: 30, bytes: frame } });
  const yolo = system.node(nothing, { name: 'yolo', expects: { workMs: 100, bytes: 200 } });
  const logger = system.node(nothing, { name: 'logger' });
  system.link(camera).to(yolo, QoS.REALTIME).to(logger, QoS.DURABLE);
  system.link(camera).to(logger, QoS.DURABLE);
  const { links, undeclared } = planSystem(system.graph());
  expect(links.map(({ source, target, rate }) => [source, target, rate])).toEqual([
    ['camera', 'yolo', 30],
    ['yolo', 'logger', expect.closeTo(10, 5)],
    ['camera', 'logger', 30],
  ]);
  expect(undeclared).toEqual(['logger']);
});

test.each([
  [{ workMs: -1 }, /expects\.workMs is -1; expected a number of at least 0/],
  [{ bytes: Number.NaN }, /expects\.bytes is NaN/],
  [{ fps: 30 }, /expects\.fps is not known; expected messagesPerSecond, bytes, workMs/],
])('what cannot be expected is refused: %o', (expects, message) => {
  const system = new System('planned');
  let error: unknown;
  try {
    system.node(() => undefined as never, { name: 'camera', expects: expects as NodeOptions['expects'] & object });
  } catch (thrown) {
    error = thrown;
  }
  expect(hasCode(error, 'NODE_OPTIONS_INVALID')).toBe(true);
  expect(error).toHaveProperty('message', expect.stringMatching(message));
});
