import { QoS, System } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { planSystem } from '#src/system/plan.js';
import type { LinkPlan } from '#src/system/plan.js';
import { freshEmbedded, linkOf, nodeFile, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();

const perSecond = 40;
const bytes = 100_000;
/** What goes to and fro around the bytes of a value. */
const aroundBytes = 1_000;

/** The most bytes that a topic held, looked at until something is true. */
async function mostHeld(running: RunningSystem, topic: string, isOver: () => Promise<boolean>): Promise<number> {
  let most = 0;
  await until(
    'it was looked at for long enough',
    async () => {
      const stats = (await running.topics()).find((each) => each.topic === topic);
      most = Math.max(most, stats?.bytes ?? 0);
      return isOver();
    },
    60_000,
  );
  return most;
}

function camera(system: System, maxBytes?: number) {
  return system.node(nodeFile('metronome'), {
    name: 'camera',
    perSecond,
    bytes,
    expects: { messagesPerSecond: perSecond, bytes },
    maxBytes,
  });
}

function consumer(system: System, name: string, workMs: number) {
  return system.node(nodeFile('recorder'), { name, file: folder.path(name), workMs, expects: { workMs } });
}

const planOf = (system: System, target: string): LinkPlan | undefined =>
  planSystem(system.graph()).links.find((link) => link.target === target);

test('what keeps up: bytes, waits and skips are as planned', async () => {
  const system = new System('planned');
  const source = camera(system);
  system.link(source).to(consumer(system, 'eye', 60), QoS.REALTIME);
  system.link(source).to(consumer(system, 'archive', 10), QoS.DURABLE);
  const [eye, archive] = [planOf(system, 'eye'), planOf(system, 'archive')];
  const running = await run(system, freshEmbedded());
  const held = await mostHeld(running, 'camera', async () => linkOf(await running.ledger(), 'camera', 'eye').published >= 400);
  const inputs = (node: string) => running.status().find((status) => status.node === node)?.report?.inputs.camera;
  const [eyeAges, archiveAges] = [inputs('eye'), inputs('archive')];
  await running.stop();
  const { ledger } = await running.done;
  const { published, skipped } = linkOf(ledger, 'camera', 'eye');
  const share = skipped / published;
  console.log(
    [
      `eye: skipped ${(100 * share).toFixed(0)} %, planned ${(100 * (eye?.skippedShare ?? NaN)).toFixed(0)} %; wait p50 ${eyeAges?.ageP50} ms, planned at most ${eye?.waitMs} ms`,
      `archive: wait p50 ${archiveAges?.ageP50} ms, planned ${archive?.waitMs.toFixed(1)} ms on average`,
      `held at most ${(held / 1e6).toFixed(2)} MB, planned ${(Math.max(eye?.heldBytes ?? 0, archive?.heldBytes ?? 0) / 1e6).toFixed(2)} MB while all keep up, ${((archive?.worstBytes ?? 0) / 1e6).toFixed(0)} MB at most`,
    ].join('\n'),
  );
  expect([eye?.warnings, archive?.warnings]).toEqual([[], []]);
  expect(linkOf(ledger, 'camera', 'archive')).toMatchObject({ published, acked: published, pending: 0 });
  // A machine that is busy with other things works slower than was declared, never faster.
  expect(share).toBeGreaterThan((eye?.skippedShare ?? NaN) - 0.05);
  expect(share).toBeLessThan((eye?.skippedShare ?? NaN) + 0.2);
  expect(held).toBeLessThanOrEqual(archive?.worstBytes ?? NaN);
}, 90_000);

test('what cannot keep up is warned of, fills its topic, and loses nothing', async () => {
  const maxBytes = 5_000_000;
  const system = new System('planned');
  const source = camera(system, maxBytes);
  system.link(source).to(consumer(system, 'late', 50), QoS.DURABLE, { prefetch: 1 });
  const late = planOf(system, 'late');
  const running = await run(system, freshEmbedded(), { drainMs: 30_000 });
  const startMs = performance.now();
  const held = await mostHeld(running, 'camera', async () => {
    const stats = (await running.topics()).find(({ topic }) => topic === 'camera');
    return (stats?.bytes ?? 0) > maxBytes - bytes;
  });
  const fullAfter = (performance.now() - startMs) / 1_000;
  await running.stop();
  const { ledger } = await running.done;
  const { published } = linkOf(ledger, 'camera', 'late');
  console.log(`late: full after ${fullAfter.toFixed(1)} s; ${late?.warnings.join('; ')}`);
  expect(late?.warnings).toEqual([expect.stringContaining("'late' cannot keep up") as string]);
  expect(held).toBeLessThanOrEqual((late?.worstBytes ?? NaN) + aroundBytes);
  expect(linkOf(ledger, 'camera', 'late')).toMatchObject({ acked: published, dead: 0, pending: 0 });
}, 90_000);
