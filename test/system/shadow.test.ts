import { health, formatLedger, QoS, System } from 'edgeflow';
import type { Broker, NodeHandle } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { toMermaid, toText } from '#src/cli/graph/text.js';
import { encodeValue } from '#src/codec.js';
import { freshEmbedded, linkOf, nodeFile, readLines, runsOfFile, temporaryFolder } from '../support/system.js';
import type { RecordedLine } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });

/** A source, a live detector and its logger, as they are without shadows. */
function liveSystem(): Record<'source' | 'live' | 'log', NodeHandle> & { readonly system: System } {
  const system = new System('shadowed', { isolation: 'inline' });
  const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 10 });
  const live = system.node(nodeFile('threshold'), { name: 'live', threshold: 5 });
  const log = system.node(nodeFile('recorder'), { name: 'log', file: folder.path('log') });
  system.link(source).to(live, QoS.DURABLE).to(log, QoS.DURABLE);
  return { system, source, live, log };
}

/** The same broker, and the groups of a topic at its end. */
function watched(inner: Broker, topic: string): { readonly broker: Broker; groups: () => readonly string[] | undefined } {
  let groups: readonly string[] | undefined;
  const close = async (): Promise<void> => {
    groups = Object.keys((await inner.stats()).find((stats) => stats.topic === topic)?.groups ?? {});
    await inner.close();
  };
  const broker = new Proxy(inner, {
    get: (target, key) => {
      if (key === 'close') return close;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { broker, groups: () => groups };
}

test('a shadow that crashes at each value, and one that never settles, disturb nothing live, nor the next run', async () => {
  const { system, source } = liveSystem();
  const crashing = { file: folder.path('seen'), how: 'exit', after: 1, maxRestarts: 1, isolation: 'process' } as const;
  system.link(source).shadow(system.node(nodeFile('crashing'), { name: 'candidate', ...crashing }), { concurrency: 2 });
  const stuck = system.node(nodeFile('stuck'), { name: 'stuck', how: 'wait' });
  system
    .link(source)
    .shadow(system.node(nodeFile('threshold'), { name: 'other', threshold: 5 }))
    .to(stuck, QoS.DURABLE);
  const logs: string[] = [];
  const { broker, groups } = watched(freshEmbedded(), 'other');
  const started = await run(system, broker, { onLog: (node, line) => logs.push(`${node} | ${line}`) });
  const isGivenUp = (): boolean => started.status().some(({ node, state }) => node === 'candidate' && state === 'failed');
  await until('the candidate is given up', isGivenUp);
  expect(logs).toContainEqual(expect.stringContaining('candidate | this shadow is given up, and the system goes on without it'));
  // A service manager would start all of it anew.
  expect(health(started)).toMatchObject({ alive: true, ready: true });
  const { acked } = linkOf(await started.ledger(), 'live', 'log');
  await until('the system goes on', async () => linkOf(await started.ledger(), 'live', 'log').acked > acked + 20);
  await started.stop();

  const { ledger } = await started.done;
  const { published } = linkOf(ledger, 'source', 'live');
  expect(linkOf(ledger, 'source', 'live')).toMatchObject({ acked: published, dead: 0, pending: 0, balanced: true });
  expect(linkOf(ledger, 'source', 'live')).not.toHaveProperty('shadow');
  expect(readLines(folder.path('log')).map(({ value }) => value)).toHaveLength(published);
  expect(ledger.balanced).toBe(true);
  expect(linkOf(ledger, 'source', 'candidate')).toMatchObject({ qos: QoS.REALTIME, shadow: true, published, balanced: true });
  expect(linkOf(ledger, 'other', 'stuck')).toMatchObject({ qos: QoS.DURABLE, shadow: true });
  expect(linkOf(ledger, 'other', 'stuck').pending).toBeGreaterThan(0);
  expect(formatLedger(ledger)).toContain('source → candidate (realtime, shadow):');
  // What the stuck one holds is not there to stop the next run.
  expect(groups()).toEqual([]);
}, 120_000);

test('a candidate that is as the live node differs nowhere; with another threshold exactly where it should', async () => {
  const { system, source, live } = liveSystem();
  for (const threshold of [5, 7]) {
    const candidate = system.node(nodeFile('threshold'), { name: `from-${threshold}`, threshold });
    const compare = system.node(nodeFile('comparing'), { name: `compare-${threshold}`, file: folder.path(`from-${threshold}`) });
    system.link(source).shadow(candidate);
    system.link(candidate).to(compare, QoS.DURABLE, { as: 'candidate' });
    system.link(live).shadow(compare);
  }
  const compared = (threshold: number): RecordedLine[] => readLines(folder.path(`from-${threshold}`));
  const kinds = (threshold: number): Set<number> => new Set(compared(threshold).map(({ value }) => value % 10));
  const logs: string[] = [];
  const started = await run(system, freshEmbedded(), { onLog: (node, line) => logs.push(`${node} | ${line}`) });
  await until('each kind of value is compared by both', () => kinds(5).size === 10 && kinds(7).size === 10);
  await started.stop();
  const { ledger } = await started.done;
  // None of them had to be killed.
  expect(logs).toEqual([]);
  expect(linkOf(ledger, 'from-7', 'compare-7')).toMatchObject({ shadow: true, balanced: true });
  expect(linkOf(ledger, 'live', 'log')).toMatchObject({ pending: 0, balanced: true });
  expect(new Set(compared(5).map(({ label }) => label))).toEqual(new Set(['same']));
  for (const { value, label } of compared(7))
    expect(`${value} ${label}`).toBe(`${value} ${value % 10 === 5 || value % 10 === 6 ? 'different' : 'same'}`);
}, 120_000);

test('a node is live or a shadow, and a shadow feeds shadows alone', async () => {
  const fed = liveSystem();
  fed.system
    .link(fed.source)
    .shadow(fed.system.node(nodeFile('threshold'), { name: 'candidate', threshold: 5 }))
    .to(fed.log, QoS.REALTIME);
  await expect(fed.system.run({ broker: freshEmbedded() })).rejects.toEqual(code('GRAPH_INVALID'));
  const both = liveSystem();
  both.system.link(both.source).shadow(both.log);
  await expect(both.system.run({ broker: freshEmbedded() })).rejects.toThrow(
    "'log' is a shadow, for it reads 'source', and a live node, for 'live' is linked to it",
  );
});

test('what shadows of a killed System held does not stop its next run', async () => {
  const { system, source } = liveSystem();
  const compare = system.node(nodeFile('recorder'), { name: 'compare', file: folder.path('compared') });
  system
    .link(source)
    .shadow(system.node(nodeFile('threshold'), { name: 'candidate', threshold: 5 }))
    .to(compare, QoS.DURABLE);
  const broker = freshEmbedded();
  await broker.declare({ topic: 'candidate', groups: ['compare'] });
  await broker.push('candidate', { id: 'left', time: 1, ...encodeValue({ value: 1 }) });
  const started = await run(system, broker);
  await started.stop();
  expect((await started.done).ledger.balanced).toBe(true);
});

test('a System that joins another brings its shadows', () => {
  const fragment = liveSystem();
  fragment.system.link(fragment.source).shadow(fragment.system.node(nodeFile('threshold'), { name: 'candidate', threshold: 5 }));
  const whole = new System('whole');
  whole.use(fragment.system, { prefix: 'door' });
  expect(whole.graph().links.at(-1)).toEqual({
    source: 'door.source',
    target: 'door.candidate',
    qos: QoS.REALTIME,
    options: { as: 'source' },
    shadow: true,
  });
  expect(toText(whole.graph())).toContain('realtime shadow→ door.candidate');
  expect(toMermaid(whole.graph())).toContain('-.->|realtime shadow|');
});
