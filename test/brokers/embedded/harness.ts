import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sharedMemoryFolder } from '#src/brokers/embedded/directory.js';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import type { EmbeddedBrokerOptions } from '#src/brokers/embedded/embeddedBroker.js';
import { topicRecord } from '#src/brokers/embedded/records.js';
import type { TopicRecord } from '#src/brokers/embedded/records.js';
import { Store } from '#src/brokers/embedded/store.js';
import { readRow } from '#src/brokers/embedded/tables.js';
import type { BrokerStore } from 'edgeflow/testing';
import { turnBit } from '../../support/turnBit.js';

/** Nine numbers. */
const firstTopicRecordBytes = 72;

/** A folder for one store. */
export function temporaryStore(): string {
  return mkdtempSync(path.join(sharedMemoryFolder() ?? tmpdir(), 'edgeflow-test-'));
}

/** Leaves of a topic's row what the first version wrote, as the topics of its stores have it; returns all that was in the row. */
export async function writeAsFirstVersion(directory: string, topic: string): Promise<TopicRecord> {
  const store = Store.acquire({ directory, durability: 'process', maxBytes: undefined });
  try {
    return await store.change(({ tables: { topics } }) => {
      const row = readRow(topics, Buffer.from(topic));
      if (!row) throw new Error(`no topic '${topic}'`);
      topics.putSync(Buffer.from(topic), row.subarray(0, firstTopicRecordBytes));
      return topicRecord.decode(row);
    });
  } finally {
    await store.release();
  }
}

/** A store of its own, and clients of it; of a class that is derived from the broker's, where one is named. */
export function embeddedStore(
  options: EmbeddedBrokerOptions = {},
  Class: new (options: EmbeddedBrokerOptions) => EmbeddedBroker = EmbeddedBroker,
): Promise<BrokerStore> {
  const directory = temporaryStore();
  const clients: EmbeddedBroker[] = [];
  return Promise.resolve({
    connect: () => {
      const broker = new Class({ ...options, directory });
      clients.push(broker);
      return Promise.resolve(broker);
    },
    damage: () => {
      const { durability = 'process', maxBytes } = options;
      const store = Store.acquire({ directory, durability, maxBytes });
      try {
        const [key] = store.payloads.olderThan(-1);
        const payload = key && store.payloads.read(key);
        if (!payload) return Promise.resolve(false);
        return Promise.resolve(turnBitInFile(path.join(directory, 'data.mdb'), payload));
      } finally {
        void store.release();
      }
    },
    lose: () => {
      const { durability = 'process', maxBytes } = options;
      const store = Store.acquire({ directory, durability, maxBytes });
      store.payloads.remove(store.payloads.olderThan(-1));
      return store.release();
    },
    dispose: async () => {
      await Promise.all(clients.map((client) => client.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  });
}

const windowBytes = 4 * 1024 * 1024;
const startBytes = 512;

/** Turns a bit of a payload where the file holds it: pages of a long one follow each other, and its beginning finds them. */
function turnBitInFile(file: string, payload: Uint8Array): boolean {
  const start = payload.subarray(0, startBytes);
  const window = Buffer.alloc(windowBytes + startBytes);
  const descriptor = openSync(file, 'r+');
  try {
    for (let offset = 0; ; offset += windowBytes) {
      const bytes = readSync(descriptor, window, 0, window.length, offset);
      const at = window.subarray(0, bytes).indexOf(start);
      if (at >= 0) {
        writeSync(descriptor, turnBit(start.subarray(0, 1)), 0, 1, offset + at);
        return true;
      }
      if (bytes < window.length) return false;
    }
  } finally {
    closeSync(descriptor);
  }
}
