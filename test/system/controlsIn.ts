import { QoS, System } from 'edgeflow';
import type { Broker, Isolation, RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { linkOf, nodeFile, readLines, runsOfFile, temporaryFolder } from '../support/system.js';
import type { Place } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();

/** A source without end, a DURABLE consumer that works for a moment, and what records that one's output. */
export async function pipeline(broker: Broker, isolation: Isolation, count = 100_000): Promise<RunningSystem> {
  const system = new System('controlled');
  const source = system.node(nodeFile('counter'), { name: 'source', count, everyMs: 2 });
  const worker = system.node(nodeFile('recorder'), { name: 'worker', file: folder.path('worker'), workMs: 1 });
  const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
  system.link(source).to(worker, QoS.DURABLE, { prefetch: 8 }).to(all, QoS.DURABLE);
  return run(system, broker, { isolation, trace: { sample: 1 } });
}

const stateOf = (system: RunningSystem, name: string): string | undefined => system.status().find(({ node }) => node === name)?.state;
export const linkNow = async (system: RunningSystem, source: string, target: string) => linkOf(await system.ledger(), source, target);

/** Each value once in the last file, and none lost. */
async function expectAll(system: RunningSystem): Promise<void> {
  await system.stop();
  const { ledger } = await system.done;
  const { published } = linkOf(ledger, 'source', 'worker');
  expect(ledger.balanced).toBe(true);
  expect(linkOf(ledger, 'worker', 'all')).toMatchObject({ published, acked: published, dead: 0, pending: 0 });
  const values = readLines(folder.path('all')).map(({ value }) => value);
  expect(new Set(values).size).toBe(published);
  expect(values.length).toBe(published);
}

/** The same controls wherever nodes run. */
export function controlsIn(places: readonly Place[]): void {
  test.each(places)(
    '$isolation on $on: pause, resume, drain and restart lose nothing of a DURABLE link',
    async ({ isolation, makeBroker }) => {
      const system = await pipeline(makeBroker(), isolation);
      await until('it works', async () => (await linkNow(system, 'source', 'worker')).acked > 20);

      await system.pause('worker');
      expect(stateOf(system, 'worker')).toBe('paused');
      const { acked, published } = await linkNow(system, 'source', 'worker');
      await until('more comes', async () => (await linkNow(system, 'source', 'worker')).published > published + 20);
      expect((await linkNow(system, 'source', 'worker')).acked).toBe(acked);

      // Paused, it is restarted paused.
      await system.restart('worker');
      await until('it is paused again', () => stateOf(system, 'worker') === 'paused');
      expect((await linkNow(system, 'source', 'worker')).acked).toBe(acked);

      await system.pause('source');
      await system.drain('worker');
      expect(stateOf(system, 'worker')).toBe('paused');
      const drained = await linkNow(system, 'source', 'worker');
      expect(drained.acked).toBeGreaterThanOrEqual(published);

      const pid = system.status().find(({ node }) => node === 'worker')?.pid;
      await system.resume('worker');
      await system.resume('source');
      await system.restart('worker');
      expect(stateOf(system, 'worker')).toBe('running');
      if (isolation === 'process') expect(system.status().find(({ node }) => node === 'worker')?.pid).not.toBe(pid);
      expect(system.status().map(({ restarts }) => restarts)).toEqual([0, 0, 0]);
      await until('it goes on', async () => (await linkNow(system, 'source', 'worker')).acked > drained.acked + 20);

      await system.pause('worker');
      await expectAll(system);
    },
  );
}
