import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Resolves when the condition holds; rejects when it does not within a minute. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited for ${what} in vain`);
    await new Promise((next) => setTimeout(next, 20));
  }
}

const sharedFolder = resolve(fileURLToPath(import.meta.url), '../../../../shared');

/** Path of a shared file, and whether it is there. */
export function shared(path: string): { readonly path: string; readonly absent: boolean } {
  const full = join(sharedFolder, path);
  const absent = !existsSync(full);
  if (absent) console.warn(`skipped: ${full} is absent`);
  return { path: full, absent };
}

/** Path of a fixture that runs in a process of its own. */
export function fixture(name: string): string {
  return resolve(fileURLToPath(import.meta.url), '../fixtures', name);
}

/** Whether a program is missing; says so. */
export function lacks(program: string): boolean {
  const found = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
  if (!found) console.warn(`skipped: there is no ${program} on PATH`);
  return !found;
}

/** A folder that is removed when the test has finished. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgeflow-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A small file system of its own, unmounted when the test has finished; undefined where mounting is not permitted. */
export function smallDisk(size: string): string | undefined {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    console.warn('skipped: mounting a tmpfs is not permitted here');
    return undefined;
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder]);
  });
  return folder;
}

/** Processes whose parent is `pid`, by their command. */
export function childrenOf(pid: number, command: string): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const fields = /^\d+ \((.*)\) (\S) (\d+)/s.exec(readFileSync(`/proc/${entry}/stat`, 'utf8'));
      return fields?.[1] === command && fields[2] !== 'Z' && Number(fields[3]) === pid ? [Number(entry)] : [];
    } catch {
      // It ended while it was being looked at.
      return [];
    }
  });
}

/** Whether a process is there and not a zombie. */
export function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Sets an environment variable until the test has finished; undefined removes it. */
export function setEnv(name: string, value: string | undefined): void {
  const before = process.env[name];
  const set = (next: string | undefined): void => {
    if (next === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = next;
  };
  set(value);
  onTestFinished(() => {
    set(before);
  });
}
