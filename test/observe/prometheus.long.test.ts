import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { QoS, serveMetrics, System } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { afterEach, expect, test } from 'vitest';
import { freshEmbedded, linkOf, nodeFile, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();
const monitoring = (file: string): string => resolve(import.meta.dirname, '../../docs/monitoring', file);
const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;
if (!hasPrometheus) console.warn('skipped: there is no prometheus on PATH (Debian: prometheus)');

const servers: ChildProcess[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) if (server.exitCode === null && server.kill()) await once(server, 'exit');
});

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Rule {
  readonly name: string;
  readonly health: string;
  readonly state: string;
  readonly lastError?: string;
}

/** Starts a Prometheus that scrapes a target and evaluates the alerts, several times a second; gives its address. */
async function startPrometheus(target: string): Promise<string> {
  const config = folder.path('prometheus.yml');
  const lines = [
    'global: { scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms }',
    `rule_files: ['${monitoring('alerts.yml')}']`,
    `scrape_configs: [{ job_name: edgeflow, static_configs: [{ targets: ['${target}'] }] }]`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${folder.path('series')}`, '--web.listen-address=127.0.0.1:0'];
  const server = spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  servers.push(server);
  const said: string[] = [];
  for await (const line of createInterface(server.stderr)) {
    said.push(line);
    const [, address] = /msg="Listening on" address=(127\.0\.0\.1:[1-9]\d*)/.exec(line) ?? [];
    if (address === undefined) continue;
    server.stderr.resume();
    return `http://${address}`;
  }
  throw new Error(`prometheus did not start:\n${said.join('\n')}`);
}

/** What its API answers. */
async function ask<T>(prometheus: string, path: string): Promise<T> {
  const response = await fetch(`${prometheus}/api/v1/${path}`);
  const { data, error } = (await response.json()) as { data: T; error?: string };
  if (error !== undefined) throw new Error(`${path}: ${error}`);
  return data;
}

async function query(prometheus: string, expression: string): Promise<readonly Series[]> {
  const { result } = await ask<{ result: Series[] }>(prometheus, `query?query=${encodeURIComponent(expression)}`);
  return result;
}

/** The expressions of all panels, as Grafana would ask them. */
function panelExpressions(): string[] {
  const { panels } = JSON.parse(readFileSync(monitoring('grafana-dashboard.json'), 'utf8')) as {
    panels: { targets?: { expr: string }[] }[];
  };
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  return expressions.map((expr) => expr.replaceAll('$system', '.+').replaceAll('$__rate_interval', '1m'));
}

test.skipIf(!hasPrometheus)(
  'a Prometheus scrapes a running system: every panel has data, every alert is evaluated, and those fire that should',
  async () => {
    const system = new System('scraped');
    const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 2 });
    const slow = system.node(nodeFile('recorder'), { name: 'slow', file: folder.path('slow'), workMs: 10 });
    const bad = system.node(nodeFile('misbehaving'), { name: 'bad', how: 'reject', at: 3 });
    system.link(source).to(slow, QoS.REALTIME);
    system.link(source).to(bad, QoS.DURABLE, { retry: { maxDeliveries: 2, initialMs: 1 } });
    const running = await run(system, freshEmbedded());
    await running.pause('bad');
    const { url } = await serveMetrics(running, { port: 0 });
    const prometheus = await startPrometheus(new URL(url).host);
    await until('it has seen that there is no dead letter', async () => {
      const [letters] = await query(prometheus, 'edgeflow_dead_letters{topic="source"}');
      return letters?.value[1] === '0';
    });

    await running.resume('bad');
    process.kill(running.status().find(({ node }) => node === 'slow')?.pid ?? NaN, 'SIGKILL');
    for (const expression of panelExpressions())
      await until(`there is data of ${expression}`, async () => (await query(prometheus, expression)).length > 0);
    await until('it has seen the restart', async () => {
      const [restarts] = await query(prometheus, 'edgeflow_node_restarts_total{node="slow"}');
      return restarts?.value[1] === '1';
    });
    await until(
      'it has seen what was skipped',
      async () => (await query(prometheus, 'edgeflow_skipped_messages_total{reason="busy"} > 10')).length > 0,
    );

    await running.pause('source');
    await running.drain('bad');
    const { acked } = linkOf(await running.ledger(), 'source', 'bad');
    await until('it counts what the ledger does', async () => {
      const [seen] = await query(prometheus, 'edgeflow_acked_messages_total{source="source",target="bad"}');
      return Number(seen?.value[1]) === acked;
    });

    const rules = async (): Promise<readonly Rule[]> => {
      const { groups } = await ask<{ groups: { rules: Rule[] }[] }>(prometheus, 'rules?type=alert');
      return groups.flatMap((group) => group.rules);
    };
    await until('all alerts were evaluated', async () => (await rules()).every(({ health }) => health !== 'unknown'));
    const evaluated = await rules();
    expect(evaluated.length).toBeGreaterThan(5);
    expect(evaluated.filter(({ health }) => health !== 'ok')).toEqual([]);
    await until('the dead letter is told', async () =>
      (await rules()).some(({ name, state }) => name === 'EdgeFlowDeadLetters' && state === 'firing'),
    );
    const firing = (await rules()).filter(({ state }) => state === 'firing').map(({ name }) => name);
    expect(firing).toEqual(['EdgeFlowDeadLetters']);

    await running.stop();
    await running.done;
    await until('it sees that the system is gone', async () => (await query(prometheus, 'up{job="edgeflow"} == 0')).length > 0);
  },
);
