import { QoS, System } from 'edgeflow';
import type { Broker, RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { afterEach, expect, test } from 'vitest';
import { linkOf, nodeFile, pidOf, range, readLines, temporaryFolder } from '../support/system.js';

/** What systems of this kind are known to lose, each of which ours must keep. */
export const folder = temporaryFolder();
const running: RunningSystem[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((system) => system.stop()));
});

export async function run(system: System, broker: Broker): Promise<RunningSystem> {
  const started = await system.run({ broker, handleSignals: false, onLog: () => undefined });
  running.push(started);
  return started;
}

export const values = (name: string): number[] => readLines(folder.path(name)).map(({ value }) => value);

/** Each must keep them. */
export function keepsWhatOthersLose(makeBroker: () => Broker): void {
  test('1,000 sent to a slow DURABLE group = 1,000 processed', async () => {
    const system = new System('slow');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000 });
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all'), workMs: 2 });
    system.link(source).to(all, QoS.DURABLE);
    const { ledger } = await (await run(system, makeBroker())).done;
    expect(linkOf(ledger, 'source', 'all')).toMatchObject({ published: 1_000, acked: 1_000 });
    expect(values('all')).toEqual(range(1_000));
  });

  test('a consumer killed between reading and finishing = redelivered', async () => {
    const system = new System('killed');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 5 });
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all'), workMs: 400 });
    system.link(source).to(all, QoS.DURABLE);
    const started = await run(system, makeBroker());
    await until('the first message is in work', async () => linkOf(await started.ledger(), 'source', 'all').published === 5);
    await until('one is done', () => values('all').length === 1);
    process.kill(pidOf(started, 'all'), 'SIGKILL');
    const { ledger } = await started.done;
    expect(linkOf(ledger, 'source', 'all')).toMatchObject({ published: 5, acked: 5, dead: 0 });
    expect(new Set(values('all'))).toEqual(new Set(range(5)));
  });

  test('a producer restarted = no id and no key used again', async () => {
    const system = new System('restarted');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 150, everyMs: 4, bytes: 20_000 });
    const all = system.node(nodeFile('recorder'), { name: 'all', file: folder.path('all') });
    system.link(source).to(all, QoS.DURABLE);
    const started = await run(system, makeBroker());
    await until('some values', () => values('all').length > 20);
    process.kill(pidOf(started, 'source'), 'SIGKILL');
    const { ledger } = await started.done;
    const { published, acked } = linkOf(ledger, 'source', 'all');
    expect(published).toBeGreaterThan(150);
    expect(acked).toBe(published);
    expect(values('all').slice(-150)).toEqual(range(150));
  });
}
