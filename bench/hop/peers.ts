import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startDualRedis, startEmbedded, startOneRedis } from '../support/brokers.js';
import type { BenchBroker } from '../support/brokers.js';
import { sources } from '../support/process.js';
import type { Program } from '../support/process.js';
import { findPython } from '../support/python.js';
import { startRedis } from '../support/redisServer.js';
import type { Transport } from '../support/redisServer.js';
import type { FrameSetup } from './protocol.js';

/** A way of frames from one process to another. */
export interface Peer {
  readonly name: string;
  /** The script that plays both roles, where they are not played by the modules of this folder. */
  readonly script?: () => Program;
  /** What it needs and this machine does not have; undefined where all is there. */
  readonly missing?: () => string | undefined;
  start(): Promise<Middle>;
}

/** What stands between the processes of one measurement. */
export interface Middle {
  readonly setup: Omit<FrameSetup, 'audiences' | 'maxFrameBytes' | 'everyTopic'>;
  /** Servers, whose CPU counts. */
  readonly pids: readonly number[];
  readonly stop: () => Promise<void>;
}

export const embedded: Peer = { name: 'embedded', start: () => onBroker(startEmbedded()) };
export const dualTcp: Peer = { name: 'two Redises, TCP', start: () => onBroker(startDualRedis('tcp')) };
export const dualUnix: Peer = { name: 'two Redises, unix sockets', start: () => onBroker(startDualRedis('unix')) };
export const oneTcp: Peer = { name: 'one Redis, TCP', start: () => onBroker(startOneRedis('tcp')) };

export const zeromq: Peer = {
  name: 'ZeroMQ, unix sockets',
  start: async () => {
    const { directory, stop } = await sharedFolder();
    return { setup: { driver: 'zeromq', directory }, pids: [], stop };
  },
};

export const ioredis: Peer = { name: 'by hand on ioredis: two Redises, TCP', start: () => byHand('tcp') };

export const redisPy: Peer = {
  name: 'by hand on redis-py: two Redises, TCP',
  script: () => pythonScript('hop/redis_py.py', 'redis'),
  missing: () => (findPython('redis') === undefined ? 'there is no python3 with redis (Debian: python3-redis)' : undefined),
  start: () => byHand('tcp'),
};

/** Frames and all in one stream, the way that comes to mind first. */
export const inStream: Peer = {
  name: 'by hand on ioredis: frames in the stream of one Redis, TCP',
  start: async () => {
    const { address, pid, stop } = await startRedis('tcp');
    return { setup: { driver: 'redis', redis: { control: address } }, pids: [pid], stop };
  },
};

export const limit: Peer = {
  name: 'the limit: one copy into a memory map, read in place',
  script: () => pythonScript('hop/shared_memory.py', 'mmap'),
  missing: () => {
    if (!existsSync(sharedMemory)) return `there is no ${sharedMemory}`;
    return findPython('mmap') === undefined ? 'there is no python3' : undefined;
  },
  start: async () => {
    const { directory, stop } = await sharedFolder();
    return { setup: { directory }, pids: [], stop };
  },
};

const sharedMemory = '/dev/shm';

function pythonScript(file: string, module: string): Program {
  const interpreter = findPython(module);
  if (interpreter === undefined) throw new Error(`no python3 here has the module '${module}'`);
  return { interpreter, script: resolve(sources, file) };
}

async function onBroker(started: Promise<BenchBroker>): Promise<Middle> {
  const { config, pids, stop } = await started;
  return { setup: { driver: 'broker', broker: config }, pids, stop };
}

async function byHand(transport: Transport): Promise<Middle> {
  const [control, data] = await Promise.all([startRedis(transport), startRedis(transport)]);
  return {
    setup: { driver: 'redis', redis: { control: control.address, data: data.address } },
    pids: [control.pid, data.pid],
    stop: async () => {
      await control.stop();
      await data.stop();
    },
  };
}

async function sharedFolder(): Promise<{ directory: string; stop: () => Promise<void> }> {
  const directory = await mkdtemp(join(existsSync(sharedMemory) ? sharedMemory : tmpdir(), 'edgeflow-bench-'));
  return { directory, stop: () => rm(directory, { recursive: true, force: true }) };
}
