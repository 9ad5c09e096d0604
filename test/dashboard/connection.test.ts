import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBroker, serveDashboard, System } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { NEVER } from 'rxjs';
import { startDashboard } from '#src/cli/dashboard.js';
import { EventStream } from '#src/dashboard/eventStream.js';
import { subnetOf } from '#src/dashboard/rateLimit.js';
import { afterAll, describe, expect, test } from 'vitest';
import { cliOfFile } from '../support/cli.js';
import type { Cli } from '../support/cli.js';
import { ask, write } from './support.js';

const cli = cliOfFile();
const token = 'a-token-that-nobody-guesses';
const folder = mkdtempSync(join(tmpdir(), 'edgeflow-tls-'));
const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')] as const;
const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
const made = spawnSync('openssl', ['req', '-x509', ...names, ...key, '-days', '2', '-out', certFile]);
const noTls = made.status === 0 ? undefined : 'no openssl is installed';

let running: RunningSystem | undefined;

/** A system that does nothing, for all tests of the file. */
async function startSystem(): Promise<RunningSystem> {
  const system = new System('still');
  system.node(() => NEVER, { name: 'camera' });
  running ??= await system.run({ broker: new MemoryBroker(), isolation: 'inline', handleSignals: false, onLog: () => undefined });
  return running;
}

afterAll(async () => {
  await running?.stop();
  rmSync(folder, { recursive: true });
});

/** Runs a system by the command line, until it says where its dashboard is. */
async function runStill(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Cli & { readonly address: string }> {
  const started = cli(['run', 'test/dashboard/still.ts', '--isolation', 'inline', '--no-table', ...flags], env);
  let said = '';
  started.child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  await until('the address is printed', () => /dashboard: (http\S+)/.test(said));
  return { ...started, address: /dashboard: (http\S+)/.exec(said)?.[1] ?? '' };
}

/** A browser whose socket is full. */
function stuckBrowser(): EventEmitter & { destroyed: boolean } {
  const browser = new EventEmitter();
  return Object.assign(browser, {
    destroyed: false,
    writableNeedDrain: true,
    writeHead: () => undefined,
    write: () => false,
    end: () => undefined,
    destroy() {
      this.destroyed = true;
      browser.emit('close');
    },
  });
}

test('a browser that has taken nothing for 30 seconds is let go', async () => {
  let now = 0;
  let samples = 0;
  const events = new EventStream({ sample: () => Promise.reject(new Error(`sample ${++samples}`)) }, () => now);
  const browser = stuckBrowser();
  events.add(browser as unknown as ServerResponse);
  await until('it is seen to take nothing', () => samples >= 2);
  now = 29_000;
  const seen = samples;
  await until('another second', () => samples > seen);
  expect(browser.destroyed).toBe(false);
  now = 31_000;
  await until('it is closed', () => browser.destroyed);
  events.close();
});

test('run --dashboard says where it is, and is there', async () => {
  const { child, address, ended } = await runStill(['--dashboard', '127.0.0.1:0']);
  expect(await ask(address, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  expect((await ask(address, '/')).body).toContain('<title>EdgeFlow</title>');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('an address that opens many connections leaves room for others, and so does each of its neighbours', async () => {
  const { address } = await serveDashboard(await startSystem(), { port: 0 });
  const { hostname, port } = new URL(address);
  let closed = 0;
  const sockets = Array.from({ length: 140 }, () => connect(Number(port), hostname).on('close', () => closed++));
  await until('those beyond the bound are closed', () => closed === 12);
  expect((await ask(address, '/healthz', { localAddress: '127.0.0.2' })).status).toBe(200);
  await expect(ask(address, '/healthz')).rejects.toThrow();
  for (const socket of sockets) socket.destroy();
  await until('there is room again', () =>
    ask(address, '/healthz').then(
      () => true,
      () => false,
    ),
  );
  // Whoever has one address of IPv6 has the half of all bits to choose from.
  expect(
    ['2001:db8::1', '2001:db8:0:0:9:8:7:6', '1::2:3:4:5:6:7', '::1', '::ffff:10.0.0.7', '10.0.0.7', 'fe80::1%eth0'].map(subnetOf),
  ).toEqual(['2001:db8:0:0', '2001:db8:0:0', '1:0:2:3', '0:0:0:0', '::ffff:10.0.0.7', '10.0.0.7', 'fe80::1%eth0']);
});

describe.skipIf(noTls !== undefined)('TLS', () => {
  test('a token crosses the network under it; a key that is another’s is refused', async () => {
    const system = await startSystem();
    const tls = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
    await expect(serveDashboard(system, { port: 0, tls: { ...tls, key: 'none' } })).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
    const { address } = await serveDashboard(system, { port: 0, token, tls });
    expect(address).toMatch(/^https:/);
    const { origin } = new URL(address);
    const seen = async (path: string, headers: Readonly<Record<string, string>>): Promise<number> =>
      (await ask(address, path, { ca: tls.cert.toString(), headers })).status;
    expect(await seen('/healthz', {})).toBe(200);
    const authorization = `Bearer ${token}`;
    expect(await seen('/api/state', { authorization, origin })).toBe(200);
    expect(await seen('/api/state', { authorization, origin: origin.replace('https', 'http') })).toBe(403);
  });

  test('run --dashboard-tls-key and -cert serve the page by HTTPS alone, with a cookie that goes nowhere else', async () => {
    const flags = ['--dashboard', '127.0.0.1:0', '--dashboard-tls-key', keyFile, '--dashboard-tls-cert', certFile];
    const { child, address, ended } = await runStill(flags, { EDGEFLOW_DASHBOARD_TOKEN: token });
    expect(address).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/$/);
    const ca = readFileSync(certFile, 'utf8');
    const page = await ask(address, '/', { ca });
    expect([page.status, page.body]).toEqual([200, expect.stringContaining('<title>EdgeFlow</title>')]);
    expect((await ask(address, '/api/state', { ca })).status).toBe(401);
    const entered = await write(address, '/api/login', { token }, {}, { ca });
    const [cookie = ''] = entered.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^__Host-edgeflow-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Secure; Path=\/; Max-Age=\d+$/);
    expect((await ask(address, '/api/state', { ca, headers: { cookie: cookie.split(';')[0] ?? '' } })).status).toBe(200);
    // Who believes no such certificate sends nothing, and who speaks HTTP is not answered.
    await expect(ask(address, '/')).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await expect(ask(address.replace('https', 'http'), '/')).rejects.toMatchObject({ code: 'ECONNRESET' });
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  test('a key without a certificate, and a file that is not there, are named', async () => {
    const system = await startSystem();
    const dashboard = { host: '127.0.0.1', port: 0 };
    await expect(startDashboard(system, { dashboard, dashboardTlsKey: keyFile })).rejects.toThrow(/belong together/);
    await expect(startDashboard(system, { dashboard, dashboardTlsKey: keyFile, dashboardTlsCert: '/none.pem' })).rejects.toThrow(
      /--dashboard-tls-cert cannot be read/,
    );
  });
});
