import { registry as publicRegistry } from '#operators/models/registry.js';
import type { RegistryEntry } from '#operators/models/registry.js';
import { resolveModel } from '#operators/models/resolveModel.js';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspectModel, listModels, pullModel } from 'edgeflow/operators';
import { streetModelPath } from '#recipes/street/model.js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { temporaryFolder, until } from '../support.js';

const folder = await temporaryFolder();
const bytes = Buffer.alloc(300_000, 'a model');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const closers: (() => void)[] = [];
let cache: string;
let requests: number;

beforeEach(async () => {
  cache = await mkdtemp(join(folder, 'cache-'));
  requests = 0;
  vi.stubEnv('XDG_CACHE_HOME', cache);
  vi.stubEnv('EDGEFLOW_MODELS', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0)) close();
});

/** A registry of one model, on a server of this test. */
async function serve(listener: RequestListener, changes: Partial<RegistryEntry> = {}): Promise<Record<string, RegistryEntry>> {
  const server = createServer((request, response) => {
    requests++;
    listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { tiny: { url: `http://127.0.0.1:${port}/tiny.onnx`, bytes: bytes.length, sha256, license: 'none', ...changes } };
}

const whole: RequestListener = (_, response) => response.end(bytes);

describe('a path', () => {
  test('is taken as it is, and names the model', async () => {
    const path = join(folder, 'mine.v2.onnx');
    await writeFile(path, bytes);
    expect(await resolveModel(path)).toEqual({ name: 'mine.v2', path });
  });

  test('of nothing is an error', async () => {
    await expect(resolveModel('./no/such.onnx')).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  });
});

describe('a name', () => {
  test('is looked for in EDGEFLOW_MODELS first', async () => {
    const registry = await serve(whole);
    const own = join(cache, 'own');
    await mkdir(own);
    await writeFile(join(own, 'tiny.onnx'), 'my own');
    await writeFile(join(own, 'other.onnx'), 'mine too');
    vi.stubEnv('EDGEFLOW_MODELS', own);
    expect(await resolveModel('tiny', { registry })).toEqual({ name: 'tiny', path: join(own, 'tiny.onnx') });
    expect(await resolveModel('other', { registry })).toEqual({ name: 'other', path: join(own, 'other.onnx') });
    expect(requests).toBe(0);
  });

  test('that is unknown is an error that says what is known and where was searched', async () => {
    vi.stubEnv('EDGEFLOW_MODELS', cache);
    await expect(resolveModel('yolo-nano')).rejects.toMatchObject({
      code: 'MODEL_MISSING',
      message: expect.stringMatching(new RegExp(`${cache}.*has no yolo-nano\\.onnx.*did you mean 'yolox-nano'`)) as string,
    });
    await expect(resolveModel('constructor')).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  });

  test('is fetched once, through redirects', async () => {
    const registry = await serve((request, response) => {
      if (request.url === '/tiny.onnx') response.writeHead(302, { location: '/elsewhere' }).end();
      else response.end(bytes);
    });
    const path = join(cache, 'edgeflow/models/tiny.onnx');
    expect(await resolveModel('tiny', { registry })).toEqual({ name: 'tiny', path });
    expect(await resolveModel('tiny', { registry })).toEqual({ name: 'tiny', path });
    expect(requests).toBe(2);
    expect(await readFile(path)).toEqual(bytes);
  });

  test('whose cached file is damaged is fetched again', async () => {
    const registry = await serve(whole);
    const { path } = await resolveModel('tiny', { registry });
    await writeFile(path, Buffer.alloc(bytes.length));
    await resolveModel('tiny', { registry });
    expect(await readFile(path)).toEqual(bytes);
  });

  test('may be fetched by several processes at once', async () => {
    const registry = await serve(whole);
    const code = `import { resolveModel } from '#operators/models/resolveModel.js'; console.log((await resolveModel('tiny', ${JSON.stringify({ registry })})).path);`;
    const outputs = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
        const text: Buffer[] = [];
        for await (const chunk of child.stdout) text.push(chunk as Buffer);
        return Buffer.concat(text).toString().trim();
      }),
    );
    expect(outputs).toEqual(Array(3).fill(join(cache, 'edgeflow/models/tiny.onnx')));
    expect(await readdir(join(cache, 'edgeflow/models'))).toEqual(['tiny.onnx']);
    expect(await readFile(outputs[0] ?? '')).toEqual(bytes);
  });
});

describe('a download that fails leaves nothing behind and says what to put where', () => {
  const cases: readonly [string, RequestListener, Partial<RegistryEntry>, RegExp][] = [
    ['missing on the server', (_, response) => response.writeHead(404).end(), {}, /answered 404/],
    ['other bytes', (_, response) => response.end(Buffer.alloc(bytes.length)), {}, /have sha256 \w{64}; expected/],
    ['too many bytes', (_, response) => response.end(Buffer.alloc(3_000_000)), {}, /more than the 300000 bytes/],
    ['too few bytes', (_, response) => response.end(bytes.subarray(0, 1000)), {}, /after 1000 of 300000 bytes/],
    [
      'a broken connection',
      (_, response) =>
        void response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 1000), () => response.destroy()),
      {},
      /tiny\.onnx: \S+/,
    ],
    ['no server', whole, { url: 'http://127.0.0.1:1/tiny.onnx' }, /127\.0\.0\.1:1/],
  ];
  test.each(cases)('%s', async (_, listener, changes, message) => {
    const registry = await serve(listener, changes);
    const target = join(cache, 'edgeflow/models/tiny.onnx');
    const error: unknown = await resolveModel('tiny', { registry }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'MODEL_DOWNLOAD', message: expect.stringMatching(message) as string });
    expect(error).toMatchObject({ message: expect.stringContaining(`put it at ${target}`) as string });
    expect(await readdir(join(cache, 'edgeflow/models'))).toEqual([]);
  });

  test('stopped by its signal', async () => {
    const registry = await serve((_, response) => void response.writeHead(200).write('a'));
    const abort = new AbortController();
    const fetched = resolveModel('tiny', { registry, signal: abort.signal });
    await until(() => requests === 1);
    abort.abort(new Error('unsubscribed'));
    await expect(fetched).rejects.toThrow('unsubscribed');
    expect(await readdir(join(cache, 'edgeflow/models'))).toEqual([]);
  });

  test('a cache that cannot be written', async () => {
    const registry = await serve(whole);
    const file = join(cache, 'file');
    await writeFile(file, '');
    vi.stubEnv('XDG_CACHE_HOME', file);
    await expect(resolveModel('tiny', { registry })).rejects.toMatchObject({
      code: 'MODEL_DOWNLOAD',
      message: expect.stringContaining('ENOTDIR') as string,
    });
  });
});

test('the public registry names complete entries', () => {
  for (const [name, entry] of Object.entries(publicRegistry)) {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    expect(entry.url).toMatch(/^https:/);
    expect(entry.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(entry.bytes).toBeGreaterThan(0);
  }
  expect(publicRegistry['yolox-nano']?.bytes).toBe(3_659_407);
});

describe('the catalog', () => {
  test('says of each model whether it is there, and fetches none that it does not know', async () => {
    const folder = join(cache, 'edgeflow/models');
    const states = async (): Promise<(string | undefined)[]> => (await listModels()).map(({ name, state }) => `${name} ${state}`);
    const names = Object.keys(publicRegistry);
    expect(await states()).toEqual(names.map((name) => `${name} absent`));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${names[0]}.onnx`), bytes);
    expect((await states())[0]).toBe(`${names[0]} changed`);
    await expect(pullModel('yolo-nano')).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  });

  test('a model tells its inputs and outputs; a file that is none is refused', async () => {
    const told = await inspectModel(streetModelPath);
    expect(told).toMatchObject({ name: 'street', path: streetModelPath, inputs: [{ type: 'float32' }], outputs: [{ type: 'float32' }] });
    expect(told.bytes).toBe((await readFile(streetModelPath)).length);
    const path = join(folder, 'text.onnx');
    await writeFile(path, 'no model');
    await expect(inspectModel(path)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});
