import { connect } from 'node:net';
import { MemoryBroker, QoS, serveDashboard, System } from 'edgeflow';
import type { Dashboard, DashboardOptions, RunningSystem } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { interval, map, mergeMap, NEVER } from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, raw, write } from './support.js';

const token = 'a-token-that-nobody-guesses';
const side = 8;
const frame = (index: number): object => ({
  data: new Uint8Array(side * side * 3).fill(index),
  width: side,
  height: side,
  format: 'rgb24',
  source: 'gate',
  index,
  time: 0,
});

let running: RunningSystem;
let open: Dashboard;
let locked: Dashboard;
const dashboards: Dashboard[] = [];

async function serve(options: DashboardOptions): Promise<Dashboard> {
  const served = await serveDashboard(running, { port: 0, ...options });
  dashboards.push(served);
  return served;
}

beforeAll(async () => {
  const system = new System('watched');
  const camera = system.node(() => interval(20).pipe(map(frame)), { name: 'camera' });
  const boxes = system.node(
    (frames) =>
      frames.pipe(
        map(() => ({
          objects: [{ label: '<i>dog</i>', score: 0.5, box: [1, 1, 4, 4], id: 7, zones: ['gate', 3] }],
          width: 8,
          height: 8,
          source: 'gate',
          index: 1,
        })),
      ),
    { name: 'boxes' },
  );
  const sink = system.node((values) => values.pipe(mergeMap(() => NEVER)), { name: 'sink' });
  system.link(camera).to(boxes, QoS.REALTIME).to(sink, QoS.REALTIME);
  running = await system.run({ broker: new MemoryBroker(), isolation: 'inline', handleSignals: false, onLog: () => undefined });
  [open, locked] = await Promise.all([serve({ control: true }), serve({ token })]);
});

afterAll(async () => {
  await running.stop();
});

describe('options', () => {
  test.each<[string, DashboardOptions, RegExp]>([
    ['a port that is none', { port: 70_000 }, /port is 70000/],
    ['an empty host', { host: '' }, /host is ''/],
    ['a short token', { token: 'short' }, /the token has 5 characters/],
    ['no token off loopback', { host: '0.0.0.0', token: '' }, /is reached from other hosts/],
  ])('%s is refused', async (_, options, message) => {
    await expect(serveDashboard(running, options)).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: expect.stringMatching(message) as string,
    });
  });

  test('a port that is taken is named', async () => {
    await expect(serve({ port: Number(new URL(open.address).port) })).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: expect.stringContaining('EADDRINUSE') as string,
    });
  });

  test('off loopback a token is made, and stands in the fragment alone', async () => {
    const served = await serve({ host: '0.0.0.0' });
    const made = new URL(served.url).hash.replace('#token=', '');
    expect(made).toMatch(/^[\w-]{32}$/);
    const { address } = served;
    expect(new URL(address).hostname).not.toBe('0.0.0.0');
    expect((await ask(address, '/api/state')).status).toBe(401);
    expect((await ask(address, '/api/state', { headers: { authorization: `Bearer ${made}` } })).status).toBe(200);
    expect((await ask(address, '/api/state', { headers: { authorization: `Bearer ${made}`, host: 'evil.example' } })).status).toBe(421);
  });
});

describe('who may ask', () => {
  test.each(['evil.example', 'evil.example:80', '10.0.0.1', 'localhost.evil.example', 'localhost@evil'])(
    'the name %j is not known on loopback',
    async (host) => {
      expect((await ask(open.address, '/api/state', { headers: { host } })).status).toBe(421);
    },
  );

  test.each(['/', '/api/events', '/api/live?want=camera:0', '/api/dead/picture?topic=camera&letter=1', '/metrics', '/healthz'])(
    '%s is kept from other pages and under other names',
    async (path) => {
      expect((await ask(open.address, path, { headers: { origin: 'http://evil.example' } })).status).toBe(403);
      expect((await ask(open.address, path, { headers: { host: 'evil.example' } })).status).toBe(421);
    },
  );

  test.each(['http://evil.example', 'null', 'https://127.0.0.1'])('a page of %s is not answered', async (origin) => {
    expect((await ask(open.address, '/api/state', { headers: { origin } })).status).toBe(403);
    expect((await write(open.address, '/api/nodes', { node: 'camera', action: 'pause' }, { origin })).status).toBe(403);
  });

  test('a request that a browser marks as of another page is not answered, a link that is followed is', async () => {
    expect((await ask(open.address, '/api/state', { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' } })).status).toBe(
      403,
    );
    expect((await ask(open.address, '/', { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } })).status).toBe(200);
  });

  test('a write without the page’s header, or as a form sends it, is refused', async () => {
    const { origin } = new URL(open.address);
    const body = JSON.stringify({ node: 'camera', action: 'pause' });
    expect(
      (await ask(open.address, '/api/nodes', { method: 'POST', headers: { origin, 'content-type': 'application/json' }, body })).status,
    ).toBe(403);
    expect(
      (await ask(open.address, '/api/nodes', { method: 'POST', headers: { 'x-edgeflow': '1', 'content-type': 'application/json' }, body }))
        .status,
    ).toBe(403);
    expect((await write(open.address, '/api/nodes', body, { 'content-type': 'text/plain' })).status).toBe(415);
  });

  test('a dashboard that only shows does nothing', async () => {
    const headers = { authorization: `Bearer ${token}` };
    expect((await write(locked.address, '/api/nodes', { node: 'camera', action: 'pause' }, headers)).status).toBe(403);
    expect((await write(locked.address, '/api/dead/drop', { topic: 'camera', letters: [1] }, headers)).status).toBe(403);
  });

  test('a session begins with the token, is a cookie that no script reads, and ends', async () => {
    expect((await ask(locked.address, '/api/state')).status).toBe(401);
    expect((await ask(locked.address, '/')).status).toBe(200);
    const entered = await write(locked.address, '/api/login', { token });
    const [cookie = ''] = entered.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^edgeflow-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=\d+$/);
    expect(cookie).not.toContain(token);
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    expect((await ask(locked.address, '/api/state', { headers })).status).toBe(200);
    expect((await write(locked.address, '/api/logout', {}, headers)).status).toBe(200);
    expect((await ask(locked.address, '/api/state', { headers })).status).toBe(401);
  });

  test('health says no more than a word, to anybody', async () => {
    expect(await ask(locked.address, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await ask(locked.address, '/readyz')).toMatchObject({ status: 200, body: 'ok\n' });
  });

  test('wrong tokens run out, for the right one too', async () => {
    const served = await serve({ token });
    const codes = [];
    for (let count = 0; count < 12; count++) codes.push((await write(served.address, '/api/login', { token: `wrong ${count}` })).status);
    expect(codes).toEqual([...Array<number>(10).fill(401), 429, 429]);
    expect((await write(served.address, '/api/login', { token })).headers['retry-after']).toBe('60');
  });

  test('a stranger has a bounded number of requests', async () => {
    const served = await serve({ token });
    const answers = await Promise.all(Array.from({ length: 140 }, () => ask(served.address, '/api/state')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 429]));
  });
});

describe('garbage', () => {
  test.each<[string, number]>([
    ['/api/live', 400],
    ['/api/live?want=camera', 404],
    ['/api/live?want=nothing:0', 404],
    ['/api/live?want=camera:-1', 400],
    ['/api/live?want=camera:0&width=9999', 400],
    ['/api/find', 400],
    ['/api/find?q=%00%ff', 200],
    ['/api/dead', 400],
    ['/api/dead?topic=../../etc', 404],
    ['/api/dead?topic=camera&after=x', 400],
    ['/api/dead/picture?topic=camera&letter=1', 404],
    ['/api/dead/picture?topic=camera&letter=1e9', 400],
    ['/api/nothing', 404],
    ['/../package.json', 404],
    ['/%2e%2e/%2e%2e/package.json', 404],
    ['/page.js.map', 404],
    ['//evil.example/', 404],
    ['/__proto__', 404],
    ['/constructor', 404],
  ])('GET %s answers %i', async (path, status) => {
    expect((await ask(open.address, path)).status).toBe(status);
  });

  test.each<[string, unknown, number]>([
    ['/api/nodes', '{', 400],
    ['/api/nodes', '[]', 400],
    ['/api/nodes', { node: 'nobody', action: 'pause' }, 404],
    ['/api/nodes', { node: 'camera', action: 'constructor' }, 400],
    ['/api/nodes', { node: 'camera', action: 'stop' }, 400],
    ['/api/nodes', { node: { toString: 1 }, action: 'pause' }, 400],
    ['/api/dead/redrive', { topic: 'camera' }, 400],
    ['/api/dead/redrive', { topic: 'camera', letters: [] }, 400],
    ['/api/dead/redrive', { topic: 'camera', letters: ['x'] }, 400],
    ['/api/dead/drop', { topic: 'camera', letters: [-1] }, 400],
    ['/api/dead/drop', { topic: 'sink', letters: [1] }, 404],
    ['/api/nothing', {}, 404],
  ])('POST %s with %j answers %i', async (path, body, status) => {
    expect((await write(open.address, path, body)).status).toBe(status);
  });

  test('what is too long is refused', async () => {
    expect((await ask(open.address, `/api/live?want=${Array<string>(65).fill('camera:0').join(',')}`)).status).toBe(400);
    expect((await ask(open.address, `/api/find?q=${'9'.repeat(600)}`)).status).toBe(400);
    expect((await write(open.address, '/api/nodes', { node: 'x'.repeat(70_000), action: 'pause' })).status).toBe(413);
    expect((await write(open.address, '/api/login', { token: 'x'.repeat(3_000) })).status).toBe(413);
  });

  test('other methods, long heads and what is no HTTP are refused', async () => {
    expect((await ask(open.address, '/', { method: 'PUT' })).status).toBe(405);
    expect(
      (await ask(open.address, '/', { headers: { 'x-long': 'x'.repeat(10_000) } }).catch(() => ({ status: 431 }))).status,
    ).toBeGreaterThanOrEqual(400);
    expect(await raw(open.address, '\x16\x03\x01\x00garbage\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(open.address, 'GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('every answer carries the headers that keep a browser from harm', async () => {
    for (const path of ['/', '/page.js', '/api/state', '/api/nothing', '/healthz']) {
      const { headers } = await ask(open.address, path);
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' });
      expect(headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self'; style-src 'self';/);
      expect(headers['content-security-policy']).toMatch(/img-src 'self';.* require-trusted-types-for 'script'; trusted-types 'none'$/);
      expect(headers['content-security-policy']).not.toContain('unsafe');
    }
  });
});

describe('what it shows', () => {
  test('the state of nodes and links', async () => {
    const state = JSON.parse((await ask(open.address, '/api/state')).body) as unknown;
    expect(state).toMatchObject({
      system: 'watched',
      control: true,
      balanced: true,
      nodes: [
        { name: 'camera', isolation: 'inline', topic: true },
        { name: 'boxes', inputs: ['camera'] },
        { name: 'sink', topic: false },
      ],
      links: [
        { source: 'camera', target: 'boxes', qos: 'realtime', balanced: true },
        { source: 'boxes', target: 'sink' },
      ],
    });
  });

  test('the newest picture, with what was found in it, once a newer one is there', async () => {
    let seen = 0;
    let overlays: readonly unknown[] = [];
    await until('a picture with boxes', async () => {
      const { body } = await ask(open.address, `/api/live?want=camera:${seen}&width=320`);
      const bytes = Buffer.from(body, 'utf8');
      const [item] = JSON.parse(bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString()) as {
        seq: number;
        source: string;
        overlays: unknown[];
      }[];
      expect(item?.source).toBe('gate');
      expect(item?.seq).toBeGreaterThan(seen);
      seen = item?.seq ?? 0;
      overlays = item?.overlays ?? [];
      return overlays.length > 0;
    });
    expect(overlays).toEqual([
      {
        topic: 'boxes',
        width: 8,
        height: 8,
        index: 1,
        zones: [],
        objects: [{ label: '<i>dog</i>', score: 0.5, box: [1, 1, 4, 4], id: '7', zones: ['gate'], found: true }],
      },
    ]);
  });

  test('metrics, to who may look', async () => {
    expect((await ask(locked.address, '/metrics')).status).toBe(401);
    const { body } = await ask(locked.address, '/metrics', { headers: { authorization: `Bearer ${token}` } });
    expect(body).toContain('# TYPE edgeflow_');
  });

  test('pictures that a browser looks at are in no ledger', async () => {
    const { links } = await running.ledger();
    expect(links.map(({ target }) => target)).toEqual(['boxes', 'sink']);
  });

  test('a snapshot a second, to a browser that reads', async () => {
    const response = await fetch(`${open.address}api/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    let read = '';
    for await (const part of response.body ?? []) {
      read += Buffer.from(part as Uint8Array).toString();
      if (read.split('event: state').length > 2) break;
    }
    expect(read).toContain('"system":"watched"');
  });

  test('a browser that reads nothing costs others nothing, and its connection is all that it holds', async () => {
    const { hostname, port } = new URL(open.address);
    const stuck = connect(Number(port), hostname);
    stuck.pause();
    stuck.write(`GET /api/events HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
    const response = await fetch(`${open.address}api/events`);
    let states = 0;
    for await (const part of response.body ?? []) {
      states +=
        Buffer.from(part as Uint8Array)
          .toString()
          .split('event: state').length - 1;
      if (states >= 2) break;
    }
    expect(states).toBeGreaterThanOrEqual(2);
    stuck.destroy();
  });

  test('a node is paused and goes on', async () => {
    const state = (): string | undefined => running.status().find(({ node }) => node === 'camera')?.state;
    expect((await write(open.address, '/api/nodes', { node: 'camera', action: 'pause' })).status).toBe(200);
    expect(state()).toBe('paused');
    expect((await write(open.address, '/api/nodes', { node: 'camera', action: 'resume' })).status).toBe(200);
    await until('it runs', () => state() === 'running');
  });
});

test('the end of the system closes its dashboards', async () => {
  await running.stop();
  await until('nobody answers', async () => {
    try {
      await ask(open.address, '/healthz');
      return false;
    } catch {
      return true;
    }
  });
});
