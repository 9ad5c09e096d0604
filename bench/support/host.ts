import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { createRequire } from 'node:module';
import { diskFileSystem } from './disk.js';
import { redisVersion } from './redisServer.js';

/** What figures depend on besides the code. */
export interface HostFacts {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** File system of the folder for temporary files, where the synced benches write. */
  readonly disk: string;
  readonly kernel: string;
  readonly node: string;
  readonly redis: string;
  readonly packages: Readonly<Record<string, string>>;
  /** Processes that wanted a core in the minute before the run, on average. */
  readonly loadBefore: number;
}

export function hostFacts(): HostFacts {
  const [first] = cpus();
  return {
    date: new Date().toISOString(),
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    disk: diskFileSystem(),
    kernel: kernelName(),
    node: process.version,
    redis: redisVersion() ?? 'none',
    packages: Object.fromEntries(
      ['ioredis', 'lmdb', 'onnxruntime-node', 'rxjs', 'bullmq', 'ix'].map((name) => [name, packageVersion(name)]),
    ),
    loadBefore: Math.round((loadavg()[0] ?? NaN) * 100) / 100,
  };
}

function kernelName(): string {
  try {
    return `${process.platform} ${readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()}`;
  } catch {
    // Not Linux: the platform's name has to do.
    return process.platform;
  }
}

function packageVersion(name: string): string {
  const main = createRequire(import.meta.url).resolve(name);
  const root = main.slice(0, main.lastIndexOf(`/node_modules/${name}/`) + `/node_modules/${name}/`.length);
  return (JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }).version;
}
