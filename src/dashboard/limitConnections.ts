import type { Server, Socket } from 'node:net';
import { subnetOf } from './rateLimit.js';

/** Closes what an address opens beyond `most` connections at a time, before anything is read: others find room. */
export function limitConnections(server: Server, most: number): void {
  const counts = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = subnetOf(socket.remoteAddress ?? '');
    const count = counts.get(address) ?? 0;
    if (count >= most) {
      socket.destroy();
      return;
    }
    counts.set(address, count + 1);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    });
  });
}
