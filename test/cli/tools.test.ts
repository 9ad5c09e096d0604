import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { EmbeddedBroker } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { describe, expect, test } from 'vitest';
import { encodeValue } from '#src/codec.js';
import { cliOfFile } from '../support/cli.js';
import { fixture, temporaryFolder } from '../support/system.js';

const start = cliOfFile();
const folder = temporaryFolder();
const entry = fixture('fanout.ts');

describe('graph', () => {
  test('as text and for Mermaid, with each quality of service', async () => {
    const [text, mermaid] = await Promise.all([start(['graph', entry]).ended, start(['graph', entry, '--format', 'mermaid']).ended]);
    expect(text.stdout).toBe(['fanout', '  source', '  ├─realtime→ latest', '  │ └─durable→ all', '  └─durable→ all', ''].join('\n'));
    expect(mermaid.stdout).toContain('n0 -.->|realtime| n1');
    expect(mermaid.stdout).toContain('n0 -->|durable| n2');
  });

  test('as a picture that holds no text of a node unescaped, and as JSON without the options of nodes', async () => {
    const [svg, json] = await Promise.all([
      start(['graph', entry, '--format', 'svg', '--', '--directory', '<script>']).ended,
      start(['graph', entry, '--json', '--', '--directory', 'secret']).ended,
    ]);
    expect(svg.stdout).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(svg.stdout.match(/<rect /g)).toHaveLength(3);
    expect(svg.stdout).not.toContain('<script>');
    expect(json.stdout).not.toContain('secret');
    expect(JSON.parse(json.stdout)).toMatchObject({
      name: 'fanout',
      links: [{ source: 'source', target: 'latest', qos: 'realtime' }, {}, {}],
    });
  });

  test('a mistyped format, and an entry that is not there, are told', async () => {
    const [format, missing, every] = await Promise.all([
      start(['graph', entry, '--format', 'png']).ended,
      start(['graph', 'no.ts']).ended,
      start(['top', '--every', '0s']).ended,
    ]);
    expect(every.stderr).toMatch(/expected at least 10ms/);
    expect(format.stderr).toMatch(/Allowed choices are text, mermaid, svg, json/);
    expect(missing.stderr).toMatch(/^NODE_MODULE_MISSING: there is no file/);
    expect([format.code, missing.code, every.code]).toEqual([1, 1, 1]);
  });
});

test('doctor: each finding that is not well has its mend, and the exit code says whether something will fail', async () => {
  const { stdout, code } = await start(['doctor', '--json']).ended;
  const found = JSON.parse(stdout) as { name: string; state: string; mend?: string }[];
  expect(found.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Node', 'embedded store', 'ffmpeg', 'redis-server', 'clock', 'lmdb', 'sharp']),
  );
  for (const { state, mend } of found) expect(mend !== undefined).toBe(state !== 'ok');
  expect(code).toBe(found.some(({ state }) => state === 'error') ? 1 : 0);
});

test('doctor: a Redis that does not answer is named without its password', async () => {
  process.env.EDGEFLOW_CONTROL_URL = 'redis://user:secret@127.0.0.1:1';
  const { ended } = start(['doctor']);
  delete process.env.EDGEFLOW_CONTROL_URL;
  const { stdout, code } = await ended;
  expect(stdout).toMatch(/ERROR +control Redis +redis:\/\/127\.0\.0\.1:1 does not answer/);
  expect(stdout).not.toContain('secret');
  expect(code).toBe(1);
});

test('topics, top and tail: what is stored, by whom it is read, and what comes', async () => {
  const broker = new EmbeddedBroker({ directory: folder.path('store') });
  await broker.declare({ topic: 'frames', groups: ['recorder'], readers: ['yolo'] });
  await broker.push('frames', { id: 'a', time: Date.now(), ...encodeValue({ data: new Uint8Array(5_000) }) });
  const at = ['--directory', folder.path('store')];
  const [topics, top] = await Promise.all([
    start(['topics', ...at]).ended,
    start(['top', '--once', '--every', '100ms', '--json', ...at]).ended,
  ]);
  const tail = await start(['tail', 'frames', '--count', '1', '--json', ...at]).ended;
  const unknown = await start(['tail', 'frame', ...at]).ended;
  const readers = (await broker.stats()).map((stats) => Object.keys(stats.readers));
  await broker.close();
  expect(JSON.parse(tail.stdout)).toMatchObject({ seq: 1, id: 'a', payloadBytes: 5_000 });
  expect(unknown.stderr).toMatch(/^TOPIC_UNDECLARED: there is no topic 'frame' in this store; it has frames/);
  expect(readers).toEqual([['yolo']]);
  expect(topics.stdout).toMatch(/^frames +1 +1 +4\.9 KiB +0 +recorder +yolo$/m);
  expect(JSON.parse(top.stdout)).toMatchObject({
    links: [
      { topic: 'frames', consumer: 'recorder', qos: 'durable', done: 0, pending: 1, perSecond: 0 },
      { topic: 'frames', consumer: 'yolo', qos: 'realtime', pending: 1 },
    ],
  });
});

test('dashboard: shows from outside what is stored, acts on letters alone, and leaves no reader behind', async () => {
  const broker = new EmbeddedBroker({ directory: folder.path('store') });
  await broker.declare({ topic: 'frames', groups: ['recorder'], readers: ['yolo'] });
  const group = { group: 'recorder', consumer: 'recorder-0' };
  await broker.push('frames', { id: 'a', time: Date.now(), ...encodeValue({ index: 1 }) });
  const [message] = await broker.pop('frames', { ...group, count: 1, waitMs: 0 });
  await broker.nack('frames', group, { seq: message?.seq ?? 0, token: message?.token ?? 0 }, { error: 'a picture of nothing' });
  const { child, ended } = start(['dashboard', '0', '--control', '--json', '--system', 'door', '--directory', folder.path('store')]);
  const [line] = (await once(createInterface({ input: child.stdout ?? process.stdin }), 'line')) as [string];
  const { address } = JSON.parse(line) as { address: string };
  const state = (await (await fetch(new URL('api/state', address))).json()) as object;
  const write = (path: string, body: object): Promise<Response> =>
    fetch(new URL(path, address), {
      method: 'POST',
      headers: { origin: new URL(address).origin, 'content-type': 'application/json', 'x-edgeflow': '1' },
      body: JSON.stringify(body),
    });
  const paused = await write('api/nodes', { node: 'recorder', action: 'pause' });
  const redriven = await write('api/dead/redrive', { topic: 'frames', letters: [1] });
  const live = await fetch(new URL('api/live?want=frames:0', address));
  child.kill('SIGINT');
  const { code } = await ended;
  const [stats] = await broker.stats();
  await broker.close();
  expect(state).toMatchObject({
    system: 'door',
    outside: true,
    nodes: [{ name: 'frames', topic: true, replicas: [] }, { name: 'recorder', inputs: ['frames'] }, { name: 'yolo' }],
    links: [
      { source: 'frames', target: 'recorder', qos: 'durable', published: 1, dead: 1, balanced: true },
      { source: 'frames', target: 'yolo', qos: 'realtime', published: 1, pending: 1, balanced: true },
    ],
  });
  expect([paused.status, await paused.text()]).toEqual([501, expect.stringContaining('obey the process that runs it') as string]);
  expect(await redriven.json()).toEqual({ count: 1 });
  expect(await live.text()).toContain('"topic":"frames"');
  expect(code).toBe(0);
  expect(stats).toMatchObject({ groups: { recorder: { dead: 0, open: 1 } } });
  expect(Object.keys(stats?.readers ?? {})).toEqual(['yolo']);
});

test('who watches from outside clears what a killed one left, and nothing of those that live', async () => {
  const directory = folder.path('store');
  const broker = new EmbeddedBroker({ directory });
  await broker.declare({ topic: 'frames', readers: ['yolo'] });
  const readers = async (): Promise<string[]> => (await broker.stats()).flatMap((stats) => Object.keys(stats.readers));
  const watchers = async (): Promise<number> => (await readers()).length - 1;
  const at = ['frames', '--directory', directory];
  const killed = start(['tail', ...at]);
  await until('it watches', async () => (await watchers()) === 1);
  killed.child.kill('SIGKILL');
  await killed.ended;
  const other = start(['tail', ...at]);
  const [left] = (await readers()).filter((name) => name !== 'yolo');
  await until('the name that was left is another', async () => {
    const now = (await readers()).filter((name) => name !== 'yolo');
    return now.length === 1 && now[0] !== left;
  });
  const third = start(['dashboard', '0', '--json', '--directory', directory]);
  await once(createInterface({ input: third.child.stdout ?? process.stdin }), 'line');
  expect(await watchers()).toBe(1);
  const top = await start(['top', '--once', '--every', '10ms', '--json', '--directory', directory]).ended;
  expect(JSON.parse(top.stdout)).toMatchObject({ links: [{ consumer: 'yolo' }] });
  for (const { child } of [other, third]) child.kill('SIGINT');
  await Promise.all([other.ended, third.ended]);
  expect(await readers()).toEqual(['yolo']);
  await broker.close();
});

test('who reads what is printed may stop reading: the command ends by itself, in silence, and leaves nothing behind', async () => {
  const directory = folder.path('store');
  const broker = new EmbeddedBroker({ directory });
  await broker.declare({ topic: 'frames', readers: ['yolo'] });
  let published = 0;
  const publish = (): Promise<unknown> => broker.push('frames', { id: `m${++published}`, time: Date.now(), ...encodeValue({ published }) });
  for (const command of [
    ['tail', 'frames'],
    ['top', '--every', '10ms'],
  ]) {
    const { child, ended } = start([...command, '--directory', directory]);
    // What is read no further is no whole text.
    ended.catch(() => undefined);
    const out = child.stdout ?? process.stdin;
    let seen = false;
    out.once('data', () => {
      seen = true;
      out.destroy();
    });
    await until('it has printed', async () => seen || (await publish(), false));
    await until('it has ended', async () => child.exitCode !== null || child.signalCode !== null || (await publish(), false));
    expect([command[0], child.exitCode]).toEqual([command[0], 0]);
  }
  expect((await broker.stats()).map((stats) => Object.keys(stats.readers))).toEqual([['yolo']]);
  await broker.close();
});

test('models pull: Ctrl-C ends the download, and keeps nothing of it', async () => {
  const asked: ServerResponse[] = [];
  const server = createServer((_, response) => {
    asked.push(response);
    response.write('the first bytes');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // The address of a model is fixed: the same request goes to the server of this test.
  const elsewhere = `const real = fetch; globalThis.fetch = (_, options) => real('http://127.0.0.1:${port}/', options)`;
  const cache = folder.path('cache');
  const { child, ended } = start(['models', 'pull', 'yolox-nano'], {
    XDG_CACHE_HOME: cache,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(elsewhere)}`,
  });
  const files = (): string[] => (existsSync(cache) ? readdirSync(cache, { recursive: true, encoding: 'utf8' }) : []);
  await until('it downloads', () => asked.length === 1 && files().some((name) => name.endsWith('.part')));
  child.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  server.closeAllConnections();
  server.close();
  expect([code, stdout, stderr]).toEqual([130, '', "the download of 'yolox-nano' was ended; nothing of it is kept\n"]);
  expect(files().filter((name) => name.includes('yolox'))).toEqual([]);
});

test('service: a unit that systemd reads as it was meant', async () => {
  const { stdout, stderr } = await start([
    'service',
    entry,
    '--user',
    'root',
    '--memory',
    '1G',
    '--',
    '--directory',
    'my "disk" 100% $HOME',
  ]).ended;
  expect(stdout).toMatch(
    /^ExecStart=\S+ \S+main\.js run \S+fanout\.ts --resume --no-table -- --directory "my \\"disk\\" 100%% \$\$HOME"$/m,
  );
  expect(stderr).toContain('sudo tee /etc/systemd/system/fanout.service');
  const bad = await start(['service', entry, '--name', '../door bell']).ended;
  expect([bad.code, bad.stderr]).toEqual([1, expect.stringMatching(/^OPTIONS_INVALID: .*names no unit of systemd/) as string]);
  const place = await start(['service', folder.path('.')]).ended;
  expect([place.code, place.stdout, place.stderr]).toEqual([
    1,
    '',
    expect.stringMatching(/^NODE_MODULE_INVALID: \S+ is no module: it is a folder/) as string,
  ]);
  const spaced = folder.path('my door.ts');
  copyFileSync(entry, spaced);
  expect((await start(['service', spaced]).ended).stderr).toContain('/etc/systemd/system/my-door.service');
  const json = await start(['service', entry, '--json']).ended;
  expect(JSON.parse(json.stdout)).toMatchObject({ name: 'fanout', unit: expect.stringContaining('[Service]') as string });
});

test.each([
  ['--memory', '1X'],
  ['--memory', '0'],
  ['--memory', '1G\nExecStartPre=/bin/true'],
  ['--user', 'root\nExecStartPre=/bin/true'],
  ['--user', ''],
  ['--environment-file', 'a\nb'],
])('service: %s %j makes no unit', async (option, value) => {
  const { code, stdout, stderr } = await start(['service', entry, option, value]).ended;
  expect([code, stdout, stderr]).toEqual([
    1,
    '',
    expect.stringMatching(`^OPTIONS_INVALID: edgeflow service: ${option} is .*; expected `) as string,
  ]);
});

test('completion: bash completes commands and options', async () => {
  const { stdout } = await start(['completion', 'bash']).ended;
  const complete = (words: string): string[] => {
    const line = `${stdout}\nCOMP_WORDS=(${words} ''); COMP_CWORD=${words.split(' ').length}; _edgeflow; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', line], { encoding: 'utf8', cwd: resolve(import.meta.dirname) }).split('\n');
  };
  expect(complete('edgeflow')).toEqual(expect.arrayContaining(['run', 'doctor', 'plan', 'graph', 'top']));
  expect(complete('edgeflow dead')).toEqual(expect.arrayContaining(['list', 'redrive']));
  expect(complete('edgeflow run x.ts')).toEqual(expect.arrayContaining(['--broker', '--resume']));
});

test('run --json: the ledger, and nothing else on standard output', async () => {
  const { stdout, code } = await start([
    'run',
    entry,
    '--reset',
    '--json',
    '--isolation',
    'inline',
    '--',
    '--directory',
    folder.path('.'),
    '--count',
    '20',
  ]).ended;
  expect(JSON.parse(stdout)).toMatchObject({ balanced: true, links: [{ published: 20 }, {}, { published: 20, acked: 20 }] });
  expect(code).toBe(0);
});
