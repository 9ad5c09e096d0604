import { batch, MemoryBroker, QoS, System } from 'edgeflow';
import { range, tap } from 'rxjs';
import { ParkedNodes } from '#src/system/parkedNodes.js';
import type { LinkLedger } from '#src/observe/ledger.js';
import type { NodeReport } from '#src/system/replica.js';
import type { Observable } from 'rxjs';
import { expect, test } from 'vitest';

test('values that wait for others come out when their source has ended, and the system ends with nothing pending', async () => {
  const batches: number[][] = [];
  const system = new System('parked', { isolation: 'inline' });
  const source = system.node(() => range(1, 250), { name: 'source' });
  const batched = system.node((input) => (input as Observable<number>).pipe(batch(100)), { name: 'batched' });
  const seen = system.node((input) => (input as Observable<number[]>).pipe(tap((values) => batches.push(values))), { name: 'seen' });
  system.link(source).to(batched, QoS.DURABLE).to(seen, QoS.DURABLE);
  const running = await system.run({ broker: new MemoryBroker(), handleSignals: false });
  const { ledger } = await running.done;
  expect(ledger.links).toMatchObject([
    { published: 250, acked: 250, pending: 0 },
    { published: 3, acked: 3, pending: 0 },
  ]);
  expect(batches.map(({ length }) => length)).toEqual([100, 100, 50]);
});

test('a replica with nothing that waits, which seldom reports, holds up none that has', () => {
  const nodes = new ParkedNodes();
  const reportOf = (parked: number): NodeReport => ({ inputs: { source: { parked } } }) as unknown as NodeReport;
  const allWait = (pending: number, ...reports: (NodeReport | undefined)[]): boolean =>
    nodes.allWait('batched', [{ source: 'source', pending } as LinkLedger], reports);
  const quiet = reportOf(0);
  const before = reportOf(1);
  expect(allWait(1, before, quiet)).toBe(false);
  expect(allWait(1, before, quiet)).toBe(false);
  expect(allWait(1, reportOf(1), quiet)).toBe(true);
  expect(allWait(2, reportOf(1), quiet, undefined)).toBe(false);
  expect(allWait(2, reportOf(1), quiet, undefined)).toBe(false);
  expect(allWait(2, reportOf(2), quiet, undefined)).toBe(true);
});
