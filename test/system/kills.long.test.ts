import { QoS, System } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { linkOf, nodeFile, onBothBrokers, pidOf, range, readLines, restarts, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();

const values = (name: string): number[] => readLines(folder.path(name)).map(({ value }) => value);

onBothBrokers((makeBroker) => {
  test('a DURABLE consumer killed again and again loses nothing; a REALTIME one never goes back', async () => {
    const system = new System('kills');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 3 });
    const latest = system.node(nodeFile('recorder'), { name: 'latest', file: folder.path('latest') });
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all'), workMs: 1 });
    system.link(source).to(latest, QoS.REALTIME);
    system.link(source).to(all, QoS.DURABLE, { retry: { maxDeliveries: 20 } });
    const started = await run(system, makeBroker());
    for (const atLeast of [60, 150, 300]) {
      await until(`${atLeast} values`, () => values('all').length >= atLeast && values('latest').length > 0, 30_000);
      const before = restarts(started);
      for (const node of ['all', 'latest']) process.kill(pidOf(started, node), 'SIGKILL');
      await until(
        'both are back',
        () => restarts(started) === before + 2 && started.status().every(({ state }) => state === 'running'),
        30_000,
      );
    }
    await started.stop();
    const { ledger } = await started.done;
    const { published } = linkOf(ledger, 'source', 'all');
    expect(linkOf(ledger, 'source', 'all')).toMatchObject({ acked: published, dead: 0, pending: 0 });
    expect(new Set(values('all'))).toEqual(new Set(range(published)));
    const seen = values('latest');
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
    expect(new Set(readLines(folder.path('all')).map(({ pid }) => pid)).size).toBeGreaterThan(1);
  }, 90_000);
});
