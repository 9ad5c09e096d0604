import type { AbstractConnector, Redis, RedisOptions } from 'ioredis';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { RedisAddress } from './endpoint.js';
import type { PayloadMemory } from './payloadMemory.js';
import { ReplyReader } from './replyReader.js';

/** Less is copied in less time than it takes to pass it to the system by itself. */
const largeBytes = 32 * 1024;
/** How long a server may take to hang up as well. */
const disconnectMs = 2_000;

/**
 * For a connection of ioredis that carries payloads: its socket reads a large reply into one Buffer.
 *
 * @param Base - ioredis's class.
 */
export function payloadConnector(
  Base: typeof AbstractConnector,
  { path, host = '127.0.0.1', port = 6379, tls }: RedisAddress,
  memory: PayloadMemory,
): NonNullable<RedisOptions['Connector']> {
  return class extends Base {
    constructor() {
      super(disconnectMs);
    }

    override connect(): Promise<Socket> {
      this.connecting = true;
      const onread = new ReplyReader(
        memory,
        (bytes) => socket.emit('data', bytes),
        (error) => socket.destroy(error),
      );
      const options = { ...(path === undefined ? { host, port } : { path }), onread };
      // To import it makes the texts of all authorities, 225 kB.
      const socket = tls ? process.getBuiltinModule('node:tls').connect({ ...options, ...tls }) : connect(options);
      this.stream = socket;
      socket.once('error', (error: Error) => {
        this.firstError = error;
      });
      return Promise.resolve(socket);
    }
  };
}

/** SET of a payload; a large one goes to the system from where it lies. It must not be changed until this has settled. */
export function setPayload(client: Redis, Client: typeof Redis, key: string, payload: Buffer): Promise<unknown> {
  if (payload.length < largeBytes) return client.set(key, payload);
  const command = new Client.Command('set', [key, payload]);
  command.toWritable = (socket) => {
    const stream = socket as Socket;
    stream.cork();
    stream.write(`*3\r\n$3\r\nset\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n$${payload.length}\r\n`);
    stream.write(payload);
    process.nextTick(() => stream.uncork());
    return '\r\n';
  };
  return client.sendCommand(command) as Promise<unknown>;
}
