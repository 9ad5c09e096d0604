import { spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MemoryBroker, serveDashboard, System } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { NEVER } from 'rxjs';
import { EventStream } from '#src/dashboard/eventStream.js';
import { describe, expect, test } from 'vitest';
import { cliOfFile } from '../support/cli.js';
import { ask } from './support.js';

const cli = cliOfFile();
const folder = mkdtempSync(join(tmpdir(), 'edgeflow-tls-'));
const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')] as const;
const request = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -days 2 -keyout ${keyFile} -out ${certFile}`;
const noTls = spawnSync('openssl', request.split(' ')).status === 0 ? undefined : 'no openssl is installed';

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
  const { child, ended } = cli(['run', 'test/dashboard/still.ts', '--isolation', 'inline', '--no-table', '--dashboard', '127.0.0.1:0']);
  let said = '';
  child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  await until('the address is printed', () => /dashboard: (http\S+)/.test(said));
  const [, address = ''] = /dashboard: (http\S+)/.exec(said) ?? [];
  expect(await ask(address, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  expect((await ask(address, '/')).body).toContain('<title>EdgeFlow</title>');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

describe.skipIf(noTls !== undefined)('TLS', () => {
  test('a token crosses the network under it; a key that is another’s is refused', async () => {
    const system = new System('sealed');
    system.node(() => NEVER, { name: 'camera' });
    const running = await system.run({ broker: new MemoryBroker(), isolation: 'inline', handleSignals: false, onLog: () => undefined });
    const token = 'a-token-that-nobody-guesses';
    const [key, cert] = [readFileSync(keyFile), readFileSync(certFile)];
    await expect(serveDashboard(running, { port: 0, tls: { key: 'none', cert } })).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
    const { address } = await serveDashboard(running, { port: 0, token, tls: { key, cert } });
    expect(address).toMatch(/^https:/);
    const { origin } = new URL(address);
    const seen = async (path: string, headers: Readonly<Record<string, string>>): Promise<[number | undefined, string]> => {
      const [response] = (await once(
        get(`${origin}${path}`, { ca: cert, servername: 'localhost', headers, agent: false }),
        'response',
      )) as [IncomingMessage];
      return [response.statusCode, await text(response)];
    };
    expect(await seen('/healthz', {})).toEqual([200, 'ok\n']);
    const authorization = `Bearer ${token}`;
    expect((await seen('/api/state', { authorization, origin }))[0]).toBe(200);
    expect((await seen('/api/state', { authorization, origin: origin.replace('https', 'http') }))[0]).toBe(403);
    await running.stop();
    rmSync(folder, { recursive: true });
  });
});
