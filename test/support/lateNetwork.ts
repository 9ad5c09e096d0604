import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestRedis } from './redisServer.js';

/** Stands between clients and a server, on a unix socket: a network that may go, and brings what was sent when it is back. */
export interface LateNetwork {
  readonly path: string;
  /** Holds what clients send, on the connections that there are. */
  hold(): void;
  /** How many bytes it holds. */
  readonly held: number;
  /**
   * Breaks those connections for their clients; the server does not hear of it.
   *
   * @param only - what the server calls the one connection that its client can make anew; all, where it is missing.
   */
  break(only?: string): void;
  /** Brings the server what was held; resolves when that is done, or the server has closed the connection. */
  deliver(): Promise<void>;
  close(): Promise<void>;
}

/** With it a client that is connected anew ends its former connection. */
const endsFormer = /^KILL\r\n\$2\r\nID\r\n\$\d+\r\n(\d+)\r$/m;

interface Line {
  readonly client: Socket;
  readonly server: Socket;
  readonly ended: Promise<unknown>;
  held: Buffer[] | undefined;
}

export async function startLateNetwork({ endpoint }: TestRedis): Promise<LateNetwork> {
  const { path: target } = endpoint;
  if (target === undefined) throw new Error('a server on a unix socket expected');
  const folder = await mkdtemp(join(tmpdir(), 'edgeflow-late-'));
  const path = join(folder, 'redis.sock');
  const lines = new Set<Line>();
  const late = (): Line[] => [...lines].filter(({ held }) => held !== undefined);
  let renewable: string | undefined;
  const listening = createServer((client) => {
    const server = connect(target);
    const ended = new Promise((resolve) => server.on('close', resolve));
    const line: Line = { client, server, ended, held: undefined };
    lines.add(line);
    let stands = renewable === undefined;
    client.on('data', (bytes: Buffer) => {
      const [, former = renewable] = stands ? [] : (endsFormer.exec(bytes.toString('latin1')) ?? []);
      stands ||= bytes.includes('KILL');
      if (former !== renewable) client.destroy();
      else if (line.held) line.held.push(bytes);
      else server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (!client.destroyed) client.write(bytes);
    });
    client.on('close', () => line.held ?? server.destroy());
    server.on('close', () => {
      lines.delete(line);
      client.destroy();
    });
    // Either end may break off: that is what it is for.
    for (const socket of [client, server]) socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => listening.listen(path, resolve));
  return {
    path,
    hold: () => {
      for (const line of lines) line.held = [];
    },
    get held() {
      return late().reduce((sum, { held = [] }) => sum + Buffer.concat(held).length, 0);
    },
    break: (only) => {
      renewable = only;
      for (const { client } of late()) client.destroy();
    },
    deliver: async () => {
      await Promise.all(
        late().map(async ({ server, held = [], ended }) => {
          server.end(Buffer.concat(held));
          await ended;
        }),
      );
    },
    close: async () => {
      for (const { client, server } of lines) for (const socket of [client, server]) socket.destroy();
      await new Promise((resolve) => listening.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
