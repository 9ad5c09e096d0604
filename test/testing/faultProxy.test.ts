import { FaultProxy, until } from 'edgeflow/testing';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** A server that answers each byte by itself, and remembers its connections. */
interface Echo {
  readonly server: Server;
  readonly sockets: Socket[];
  readonly received: () => Buffer;
}

interface Client {
  readonly socket: Socket;
  readonly received: () => Buffer;
  /** How the connection ended: `end`, the code of an error, or nothing yet. */
  readonly end: () => string | undefined;
}

let folder: string;
let echo: Echo;
let proxy: FaultProxy;
const clients: Client[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgeflow-proxy-'));
});
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await proxy.close();
  for (const socket of echo.sockets) socket.destroy();
  echo.server.close();
  rmSync(folder, { recursive: true });
});

async function startEcho(address: { port: number } | { path: string }): Promise<Echo> {
  const sockets: Socket[] = [];
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      received.push(bytes);
      socket.write(bytes);
    });
  });
  server.listen(address);
  await once(server, 'listening');
  return { server, sockets, received: () => Buffer.concat(received) };
}

async function client(): Promise<Client> {
  const socket = connect(proxy.address);
  const received: Buffer[] = [];
  let end: string | undefined;
  socket.on('data', (bytes: Buffer) => received.push(bytes));
  socket.on('error', (error: NodeJS.ErrnoException) => (end ??= error.code));
  socket.on('end', () => (end ??= 'end'));
  socket.on('close', () => (end ??= 'close'));
  const made = { socket, received: () => Buffer.concat(received), end: () => end };
  clients.push(made);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
  return made;
}

/** Sends bytes and waits for their echo. */
async function roundTrip({ socket, received }: Client, bytes: Buffer): Promise<void> {
  const before = received().length;
  socket.write(bytes);
  await until('the echo', () => received().length >= before + bytes.length);
  expect(received().subarray(before).equals(bytes)).toBe(true);
}

describe.each(['tcp', 'unix'] as const)('%s', (kind) => {
  beforeEach(async () => {
    echo = await startEcho(kind === 'tcp' ? { port: 0 } : { path: join(folder, 'echo') });
    const target = kind === 'tcp' ? { port: (echo.server.address() as AddressInfo).port } : { path: join(folder, 'echo') };
    proxy = await FaultProxy.start(target, kind === 'tcp' ? {} : { listen: { path: join(folder, 'proxy') } });
  });

  test('normal: megabytes pass unchanged, and so does the end', async () => {
    const one = await client();
    await roundTrip(one, Buffer.alloc(5_000_000, 'abcdefg'));
    one.socket.end(Buffer.from('last'));
    await until('all has passed', () => echo.received().length === 5_000_004);
    await until('the end came back', () => one.end() === 'end');
    expect(one.received().length).toBe(5_000_004);
    await until('the proxy has forgotten it', () => proxy.connections === 0);
  });

  test('a server that hangs up, and one that is not there, end the connection', async () => {
    const one = await client();
    await roundTrip(one, Buffer.from('x'));
    echo.sockets[0]?.destroy();
    await until('the end', () => one.end() !== undefined);
    echo.server.close();
    const two = await client();
    await until('the end', () => two.end() !== undefined);
  });

  test('delay: late, in order, and switched off without overtaking', async () => {
    const one = await client();
    await proxy.delay(40);
    const start = performance.now();
    await roundTrip(one, Buffer.from('slow'));
    expect(performance.now() - start).toBeGreaterThanOrEqual(79);
    one.socket.write('one');
    await until('it is under way', () => echo.received().toString() === 'slowone');
    await proxy.normal();
    one.socket.write('two');
    await until('both', () => one.received().toString() === 'slowonetwo');
  });

  test.each([0, 1, 7, 100_000])('cutAfter %d bytes of the replies: so many arrive, and then the end', async (bytes) => {
    const [one, other] = [await client(), await client()];
    const cut = proxy.cutAfter({ bytes, direction: 'toClient' });
    one.socket.write(Buffer.alloc(200_000, 'r'));
    expect(await cut).toBe(true);
    await until('the end', () => one.end() !== undefined);
    expect(one.received().length).toBe(bytes);
    // The other connection, and new ones, go on.
    await roundTrip(other, Buffer.from('other'));
    await roundTrip(await client(), Buffer.from('new'));
  });

  test('cutAfter bytes of the requests: the server gets so many', async () => {
    const one = await client();
    const cut = proxy.cutAfter({ bytes: 3, direction: 'toServer' });
    one.socket.write('request');
    await cut;
    await until('the end', () => one.end() !== undefined);
    await until('three bytes', () => echo.received().toString() === 'req');
  });

  test('a cut that is taken back does not happen', async () => {
    const cut = proxy.cutAfter({ bytes: 0, direction: 'toServer' });
    proxy.cancelCut();
    expect(await cut).toBe(false);
    await roundTrip(await client(), Buffer.from('passes'));
  });

  test('drop: open connections break on both sides, new ones pass', async () => {
    const [one, two] = [await client(), await client()];
    await roundTrip(one, Buffer.from('x'));
    await roundTrip(two, Buffer.from('x'));
    proxy.drop();
    await until('both ended', () => one.end() !== undefined && two.end() !== undefined);
    if (kind === 'tcp') expect(one.end()).toBe('ECONNRESET');
    await until('the server knows', () => echo.sockets.every(({ destroyed }) => destroyed));
    await roundTrip(await client(), Buffer.from('new'));
  });

  test('halfOpen: nothing passes and nobody is told; new connections pass', async () => {
    const one = await client();
    await roundTrip(one, Buffer.from('x'));
    proxy.halfOpen();
    one.socket.write('into the void');
    echo.sockets[0]?.write('this too');
    const two = await client();
    await roundTrip(two, Buffer.from('new'));
    echo.sockets[0]?.end();
    await roundTrip(two, Buffer.from('later'));
    expect(one.received().toString()).toBe('x');
    expect(one.end()).toBeUndefined();
    expect(echo.received().toString()).toBe('xnewlater');
    proxy.drop();
    await until('then it breaks', () => one.end() !== undefined);
  });

  test('blackhole: accepts, swallows, and never reaches the server; also what was open', async () => {
    const one = await client();
    await roundTrip(one, Buffer.from('x'));
    await proxy.blackhole();
    const two = await client();
    expect(proxy.connections).toBe(2);
    one.socket.write('void');
    two.socket.write('void');
    await proxy.normal();
    await roundTrip(await client(), Buffer.from('new'));
    expect([one.end(), two.end(), two.received().length]).toEqual([undefined, undefined, 0]);
    expect(echo.received().toString()).toBe('xnew');
    expect(echo.sockets).toHaveLength(2);
  });

  test('refuse: no new connections, open ones go on; then the same address again', async () => {
    const one = await client();
    const before = proxy.address;
    await proxy.refuse();
    const two = await client();
    await until('refused', () => two.end() !== undefined);
    expect(two.end()).toBe(kind === 'tcp' ? 'ECONNREFUSED' : 'ENOENT');
    await roundTrip(one, Buffer.from('open'));
    await proxy.normal();
    expect(proxy.address).toEqual(before);
    await roundTrip(await client(), Buffer.from('new'));
  });

  test('close: breaks what is open, listens no more, and may be called again', async () => {
    const one = await client();
    await roundTrip(one, Buffer.from('x'));
    await proxy.close();
    await until('the end', () => one.end() !== undefined);
    await proxy.close();
    await proxy.normal();
    const two = await client();
    await until('refused', () => two.end() !== undefined);
  });
});
