import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestRedis } from './redisServer.js';

/** Stands between clients and a server, on a unix socket. */
export interface ReplyThief {
  readonly path: string;
  /** From now on, the connection that sends this text breaks once the server has answered, and the answer is lost; once. */
  steal(text: string): void;
  /** The same, and nobody gets another connection until {@link come}. */
  stealAndGo(text: string): void;
  come(): void;
  /** How many answers were stolen. */
  readonly stolen: number;
  close(): Promise<void>;
}

/** Makes a command happen whose reply is lost. */
export async function startReplyThief({ endpoint }: TestRedis): Promise<ReplyThief> {
  const { path: target } = endpoint;
  if (target === undefined) throw new Error('a server on a unix socket expected');
  const folder = await mkdtemp(join(tmpdir(), 'edgeflow-thief-'));
  const path = join(folder, 'redis.sock');
  const sockets = new Set<Socket>();
  let wanted: string | undefined;
  let stolen = 0;
  let goes = false;
  let away = false;
  const server = createServer((client) => {
    if (away) {
      client.destroy();
      return;
    }
    const upstream = connect(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // Either end may break off: that is what it is for.
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    let stealing = false;
    client.on('data', (bytes) => {
      if (wanted !== undefined && bytes.includes(wanted)) {
        stealing = true;
        wanted = undefined;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!stealing) client.write(bytes);
      else {
        stolen++;
        away = goes;
        client.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    steal: (text) => {
      wanted = text;
    },
    stealAndGo: (text) => {
      wanted = text;
      goes = true;
    },
    come: () => {
      goes = false;
      away = false;
    },
    get stolen() {
      return stolen;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
