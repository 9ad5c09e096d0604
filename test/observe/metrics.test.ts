import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { resolve } from 'node:path';
import { health, MemoryBroker, metricsText, QoS, serveMetrics, System } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { expect, test } from 'vitest';
import { linkOf, nodeFile, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
if (!hasPromtool) console.warn('skipped: there is no promtool on PATH, which checks metrics and rules (Debian: prometheus)');
const monitoring = (file: string): string => resolve(import.meta.dirname, '../../docs/monitoring', file);

async function started(): Promise<RunningSystem> {
  const system = new System('measured');
  const source = system.node(nodeFile('counter'), { name: 'source', count: 100_000, everyMs: 1 });
  const slow = system.node(nodeFile('recorder'), { name: 'slow', file: folder.path('slow'), workMs: 10 });
  const bad = system.node(nodeFile('misbehaving'), { name: 'bad', how: 'reject', at: 3 });
  system.link(source).to(slow, QoS.REALTIME);
  system.link(source).to(bad, QoS.DURABLE, { retry: { maxDeliveries: 2, initialMs: 1 } });
  return run(system, new MemoryBroker(), { isolation: 'inline' });
}

/** The value of one series. */
function series(text: string, name: string): number | undefined {
  const [, value] = new RegExp(`^${name.replace(/[{}+]/g, '\\$&')} (\\S+)$`, 'm').exec(text) ?? [];
  return value === undefined ? undefined : Number(value);
}

test('the metrics are what the ledger says, and promtool accepts them', async () => {
  const system = await started();
  await until('some are skipped, and one is given up', async () => {
    const ledger = await system.ledger();
    return linkOf(ledger, 'source', 'slow').skippedBy.busy > 10 && linkOf(ledger, 'source', 'bad').dead === 1;
  });
  await system.pause('source');
  await system.drain('bad');
  await until('the reports are in', async () =>
    /edgeflow_failed_deliveries_total\{[^}]*target="bad"[^}]*\} 2/.test(await metricsText(system)),
  );
  const text = await metricsText(system);
  const { links } = await system.ledger();
  const link = 'source="source",target="bad"';
  expect(series(text, `edgeflow_acked_messages_total{${link},system="measured"}`)).toBe(links[1]?.acked);
  expect(series(text, `edgeflow_dead_messages{${link},system="measured"}`)).toBe(1);
  expect(series(text, 'edgeflow_dead_letters{topic="source",system="measured"}')).toBe(1);
  expect(series(text, 'edgeflow_node_state{node="bad",replica="0",state="paused",system="measured"}')).toBe(1);
  expect(text).toMatch(/edgeflow_skipped_messages_total\{source="source",target="slow",reason="busy",system="measured"\} [1-9]/);
  const count = series(text, `edgeflow_message_age_seconds_count{${link},system="measured"}`);
  expect(count).toBeGreaterThan(0);
  expect(series(text, `edgeflow_message_age_seconds_bucket{source="source",target="bad",le="+Inf",system="measured"}`)).toBe(count);
  if (hasPromtool) {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  }
  const named = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  for (const file of ['alerts.yml', 'grafana-dashboard.json'])
    for (const [name] of readFileSync(monitoring(file), 'utf8').matchAll(/edgeflow_[a-z_]+/g))
      expect(named, `${name} of ${file}`).toContain(name.replace(/_bucket$/, ''));
});

test('a server of its own answers for metrics and health, and ends with the system', async () => {
  const system = await started();
  const { url } = await serveMetrics(system, { port: 0 });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const metrics = await fetch(`${url}/metrics`);
  expect([metrics.status, metrics.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  expect(await metrics.text()).toContain('# TYPE edgeflow_pending_messages gauge');
  expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ ready: true, nodes: [{ node: 'source', state: 'running' }, {}, {}] });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/else`)).status).toBe(404);
  expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  const status = await new Promise((resolve, reject) => {
    get(`${url}/metrics`, { headers: { host: `pages.example:${new URL(url).port}` } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
  expect(status, 'for a page of a stranger, whose name leads here').toBe(421);
  const open = await serveMetrics(system, { port: 0, host: '0.0.0.0' });
  expect(open.url).not.toContain('0.0.0.0');
  expect((await fetch(`${open.url}/healthz`)).status).toBe(200);
  for (const port of [NaN, -1, 70_000, '9464' as never])
    await expect(serveMetrics(system, { port })).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: expect.stringMatching(/^serveMetrics: port is .*; expected a whole number from 0 to 65535/) as string,
    });
  await expect(serveMetrics(system, { port: Number(new URL(url).port) })).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
  await system.stop();
  await until('it is closed', () =>
    fetch(url).then(
      () => false,
      () => true,
    ),
  );
});

test('alive while no node has given up; ready while none starts', () => {
  const of = (...states: ReturnType<typeof health>['nodes'][number]['state'][]) => {
    const { alive, ready } = health({
      status: () => states.map((state) => ({ node: 'n', replica: 0, state, pid: undefined, restarts: 0, report: undefined })),
    });
    return { alive, ready };
  };
  expect(of('running', 'paused', 'draining', 'done')).toEqual({ alive: true, ready: true });
  expect(of('running', 'restarting')).toEqual({ alive: true, ready: false });
  expect(of('failed')).toEqual({ alive: false, ready: false });
});

test.skipIf(!hasPromtool)('promtool accepts the alerts', () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', monitoring('alerts.yml')], { encoding: 'utf8' });
  expect(status, `${stdout}${stderr}`).toBe(0);
});
