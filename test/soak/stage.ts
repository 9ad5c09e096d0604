import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { BrokerConfig } from '#src/brokers/broker.js';
import { sharedMemoryFolder } from '#src/brokers/embedded/directory.js';
import { EmbeddedBroker } from '#src/brokers/embedded/embeddedBroker.js';
import { startRedisServer } from '../support/redisServer.js';
import type { TestRedis } from '../support/redisServer.js';

export type BrokerName = 'embedded' | 'redis';

/** What a broker stands on, and what can be done to it. */
export interface Stage {
  /** From which the processes of the run make their clients. */
  readonly config: BrokerConfig;
  /** Servers that can be killed, by name. */
  readonly servers: Readonly<Record<string, TestRedis>>;
  /** Bytes of its files that take memory or disk, by name. */
  fileBytes(): Record<string, number>;
  /** Payloads on the data plane; undefined where only the broker itself can tell. */
  payloads(): Promise<number | undefined>;
  dispose(): Promise<void>;
}

export async function makeStage(broker: BrokerName, visibilityMs: number): Promise<Stage> {
  return broker === 'embedded' ? embeddedStage(visibilityMs) : redisStage(visibilityMs);
}

async function embeddedStage(visibilityMs: number): Promise<Stage> {
  const directory = mkdtempSync(join(sharedMemoryFolder() ?? tmpdir(), 'edgeflow-soak-'));
  // Clients join a store that is there.
  const maker = new EmbeddedBroker({ directory, visibilityMs });
  const config = await maker.open();
  await maker.close();
  return {
    config,
    servers: {},
    fileBytes: () => {
      const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map(
        (name) => [name, allocated(join(directory, name))] as const,
      );
      const sizes = Object.fromEntries(files.filter(([name]) => name.endsWith('.mdb')));
      return { ...sizes, 'whole store': files.reduce((sum, [, bytes]) => sum + bytes, 0) };
    },
    payloads: () => Promise.resolve(undefined),
    dispose: () => {
      rmSync(directory, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

/** Bytes that a file takes: one with holes takes less than its size. */
function allocated(file: string): number {
  return (statSync(file, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}

async function redisStage(visibilityMs: number): Promise<Stage> {
  const control = await startRedisServer();
  const data = await startRedisServer();
  return {
    config: { kind: 'dual-redis', options: { control: control.endpoint, data: data.endpoint, visibilityMs } },
    servers: { control, data },
    fileBytes: () => ({}),
    payloads: async () => {
      const client = new Redis({ ...data.endpoint });
      try {
        return await client.dbsize();
      } finally {
        client.disconnect();
      }
    },
    dispose: async () => {
      await Promise.all([control.stop(), data.stop()]);
    },
  };
}
