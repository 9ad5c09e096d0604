import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { mapAsync, QoS, serveMetrics, System } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { afterEach, expect, test } from 'vitest';
import { freshEmbedded, linkOf, nodeFile, pidOf, restarts, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();
const absent = spawnSync('prometheus', ['--version']).status !== 0;
if (absent) console.warn('skipped: there is no prometheus on PATH, which scrapes metrics and loads the alerts (Debian: prometheus)');
const monitoring = (file: string): string => resolve(import.meta.dirname, '../../docs/monitoring', file);
const patienceMs = 60_000;
const servers: ChildProcess[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  }
});

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Rule {
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state: 'inactive' | 'pending' | 'firing';
}

/** The API of a Prometheus server. */
class Prometheus {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async query(query: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{ readonly result: readonly Sample[] }>(`query?${String(new URLSearchParams({ query }))}`);
    return result;
  }

  async rules(): Promise<readonly Rule[]> {
    const { groups } = await this.#get<{ readonly groups: readonly { readonly rules: readonly Rule[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  async alert(name: string): Promise<Rule['state'] | undefined> {
    return (await this.rules()).find((rule) => rule.name === name)?.state;
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    const { status, data, error } = (await response.json()) as { readonly status: string; readonly data: T; readonly error?: string };
    if (status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${error}`);
    return data;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a server that scrapes `target` twice a second, with the alerts of the documentation. */
async function startPrometheus(target: string): Promise<Prometheus> {
  const data = folder.path('prometheus');
  mkdirSync(data);
  const config = folder.path('prometheus.yml');
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: [monitoring('alerts.yml')],
      scrape_configs: [{ job_name: 'edgeflow', static_configs: [{ targets: [target] }] }],
    }),
  );
  const address = `127.0.0.1:${await freePort()}`;
  const server = spawn('prometheus', [`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=${address}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  servers.push(server);
  const said = text(server.stderr);
  await until(
    'Prometheus is ready',
    async () => {
      if (server.exitCode !== null) throw new Error(`Prometheus ended: ${await said}`);
      return fetch(`http://${address}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    patienceMs,
  );
  return new Prometheus(`http://${address}`);
}

interface GrafanaDashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

test.skipIf(absent)(
  'a real Prometheus scrapes a system with skips, a dead letter and a killed node, and all that is asked of it has an answer',
  async () => {
    let refuses = false;
    const system = new System('monitored');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 5 });
    const slow = system.node(nodeFile('recorder'), { name: 'slow', file: folder.path('slow'), workMs: 30 });
    const picky = system.node(
      (_, { input }) =>
        input('source').pipe(
          mapAsync((value) => {
            if (!refuses) return value;
            refuses = false;
            throw new Error('not this one');
          }),
        ),
      { name: 'picky', isolation: 'inline' },
    );
    system.link(source).to(slow, QoS.REALTIME);
    system.link(source).to(picky, QoS.DURABLE, { retry: { maxDeliveries: 1 } });
    const running = await run(system, freshEmbedded());
    const { url } = await serveMetrics(running, { port: 0 });
    const prometheus = await startPrometheus(new URL(url).host);
    const holds = (what: string, query: string): Promise<void> =>
      until(what, async () => (await prometheus.query(query)).length > 0, patienceMs);

    await holds('there are no dead letters yet', 'edgeflow_dead_letters{topic="source"} == 0');
    refuses = true;
    process.kill(pidOf(running, 'slow'), 'SIGKILL');
    await until(
      'the node is back',
      () => restarts(running) === 1 && running.status().every(({ state }) => state === 'running'),
      patienceMs,
    );
    await until('the letter is there', async () => linkOf(await running.ledger(), 'source', 'picky').dead === 1);
    await holds('the letter is counted', 'edgeflow_dead_letters{topic="source"} == 1');
    await holds('the restart is counted', 'edgeflow_node_restarts_total{node="slow"} == 1');
    await holds('skips are counted', 'edgeflow_skipped_messages_total{target="slow",reason="busy"} > 100');

    // Twice as many scrapes as a rate needs, all of a system that goes on.
    await holds('it was scraped a few times since', 'count_over_time(edgeflow_node_restarts_total{node="slow"}[10m] @ end()) > 20');
    const { panels } = JSON.parse(readFileSync(monitoring('grafana-dashboard.json'), 'utf8')) as GrafanaDashboard;
    for (const { title, targets } of panels)
      for (const { expr } of targets)
        await holds(`data of the panel '${title}'`, expr.replaceAll('$system', 'monitored').replaceAll('$__rate_interval', '10s'));

    const rules = await prometheus.rules();
    expect(rules.map(({ name }) => name)).toEqual(
      [...readFileSync(monitoring('alerts.yml'), 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name),
    );
    await until('all rules were evaluated', async () => (await prometheus.rules()).every(({ health }) => health !== 'unknown'), patienceMs);
    for (const { name, health, lastError } of await prometheus.rules()) expect([name, health, lastError]).toEqual([name, 'ok', undefined]);
    // What an alert compares is there to be compared.
    for (const { name, query } of rules) await holds(`data of ${name}`, query.replaceAll(/ (==|>) [\d.]+/g, ''));
    await until('the alert of the dead letter fires', async () => (await prometheus.alert('EdgeFlowDeadLetters')) === 'firing', patienceMs);
    for (const name of ['EdgeFlowNodeFailed', 'EdgeFlowLedgerUnbalanced', 'EdgeFlowNodeRestarts'])
      expect([name, await prometheus.alert(name)]).toEqual([name, 'inactive']);

    // A counter that falls reads as one that began anew, and makes rates of what never was.
    const scraped = await (await fetch(`${url}/metrics`)).text();
    const fell: unknown[] = [];
    for (const [, name = ''] of scraped.matchAll(/^# TYPE (\S+) counter$/gm))
      for (const { metric } of await prometheus.query(`resets(${name}[10m]) > 0`)) fell.push({ name, ...metric });
    // The processor time of a node is that of its process, which is another now.
    expect(fell).toEqual([expect.objectContaining({ name: 'edgeflow_node_cpu_seconds_total', node: 'slow' })]);

    await running.stop();
    await until('the alert of a system that is gone waits', async () => (await prometheus.alert('EdgeFlowDown')) === 'pending', patienceMs);
  },
  180_000,
);
