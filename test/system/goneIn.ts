import { QoS, System } from 'edgeflow';
import type { Isolation } from 'edgeflow';
import { until } from 'edgeflow/testing';
import type { BrokerStore } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { linkOf, nodeFile, readLines, runsOfFile, temporaryFolder } from '../support/system.js';
import { linkNow } from './controlsIn.js';

/** Where payloads get lost while a System runs. */
export interface LossyPlace {
  readonly isolation: Isolation;
  readonly on: string;
  readonly makeStore: () => Promise<BrokerStore>;
}

/** What was skipped since its payload was gone is told as `gone`, wherever nodes run. */
export function goneIn(places: readonly LossyPlace[]): void {
  const folder = temporaryFolder();
  const run = runsOfFile();

  test.each(places)('$isolation on $on: a frame whose payload is gone is skipped as gone, and the ledger still balances', async (place) => {
    const store = await place.makeStore();
    try {
      const system = new System('lossy');
      const source = system.node(nodeFile('metronome'), { name: 'source', perSecond: 200, bytes: 20_000 });
      const slow = system.node(nodeFile('recorder'), { name: 'slow', file: folder.path('slow'), workMs: 20 });
      system.link(source).to(slow, QoS.REALTIME);
      const started = await run(system, await store.connect(), { isolation: place.isolation });
      await until('some are gone', async () => {
        await store.lose?.('source');
        return (await linkNow(started, 'source', 'slow')).skippedBy.gone >= 5;
      });
      const { delivered: before } = await linkNow(started, 'source', 'slow');
      await until('it goes on', async () => (await linkNow(started, 'source', 'slow')).delivered > before + 5);
      await started.stop();
      const { published, delivered, skipped, skippedBy, pending, balanced } = linkOf((await started.done).ledger, 'source', 'slow');
      expect(balanced).toBe(true);
      expect(published).toBe(delivered + skipped + pending);
      expect(skippedBy.busy + skippedBy.stale + skippedBy.gone).toBe(skipped);
      expect(skippedBy).toMatchObject({ expired: 0, gone: expect.any(Number) as number });
      expect(readLines(folder.path('slow'))).toHaveLength(delivered);
    } finally {
      await store.dispose();
    }
  });
}
