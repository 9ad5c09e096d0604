import { mapAsync, MemoryBroker, QoS, System } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { Subject, tap } from 'rxjs';
import type { Observable } from 'rxjs';
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => vi.useRealTimers());

test('a node reports twice a second while something happens to it, and every five seconds while nothing does', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const values = new Subject<number>();
  let taken = 0;
  const system = new System('reports', { isolation: 'inline' });
  const source = system.node(() => values, { name: 'source' });
  let letGo = (): void => undefined;
  const work = (): Promise<void> => (taken === 2 ? new Promise<void>((resolve) => (letGo = resolve)) : Promise.resolve());
  const log = system.node(
    (input) =>
      (input as Observable<number>).pipe(
        tap(() => taken++),
        mapAsync(work),
      ),
    { name: 'log' },
  );
  system.link(source).to(log, QoS.DURABLE);
  const running = await system.run({ broker: new MemoryBroker(), handleSignals: false, trace: { sample: 1 } });
  const report = (): unknown => running.status().find(({ node }) => node === 'log')?.report;
  const settled = async (): Promise<boolean> => (await running.ledger()).links.every(({ acked }) => acked === taken);
  const next = async (): Promise<void> => {
    values.next(taken);
    const wanted = taken + 1;
    await until('it is taken', () => taken === wanted);
  };
  /** Whether each further half second brings a report. */
  const brings = (): boolean => {
    const before = report();
    vi.advanceTimersByTime(500);
    return report() !== before;
  };

  expect(brings()).toBe(true);
  expect(Array.from({ length: 10 }, brings)).toEqual([...Array.from({ length: 8 }, () => false), true, false]);
  await next();
  await until('it is settled', settled);
  expect([1, 2].map(brings)).toEqual([true, false]);
  expect(report()).toMatchObject({ inputs: { source: { delivered: 1 } } });
  await next();
  expect([1, 2].map(brings)).toEqual([true, false]);
  letGo();
  await until('it is settled', settled);
  expect([1, 2].map(brings)).toEqual([true, false]);
  values.complete();
  await running.done;
  expect(report()).toMatchObject({ inputs: { source: { delivered: 2 } } });
});
