import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sharedMemoryFolder } from '#src/brokers/embedded/directory.js';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import type { EmbeddedBrokerOptions } from '#src/brokers/embedded/embeddedBroker.js';
import type { BrokerStore } from 'edgeflow/testing';

/** A folder for one store. */
export function temporaryStore(): string {
  return mkdtempSync(path.join(sharedMemoryFolder() ?? tmpdir(), 'edgeflow-test-'));
}

/** A store of its own, and clients of it. */
export function embeddedStore(options: EmbeddedBrokerOptions = {}): Promise<BrokerStore> {
  const directory = temporaryStore();
  const clients: EmbeddedBroker[] = [];
  return Promise.resolve({
    connect: () => {
      const broker = new EmbeddedBroker({ ...options, directory });
      clients.push(broker);
      return Promise.resolve(broker);
    },
    dispose: async () => {
      await Promise.all(clients.map((client) => client.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  });
}
