import type { SingleBar } from 'cli-progress';
import { EdgeFlowError } from 'edgeflow';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RegistryEntry } from './registry.js';

/** A server that sends nothing for this long is given up. */
const stallMs = 30_000;

/** Whether the file is there and is this model, byte for byte. */
export async function holdsModel(path: string, { bytes, sha256 }: RegistryEntry): Promise<boolean> {
  try {
    if ((await stat(path)).size !== bytes) return false;
    return (
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex') === sha256
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw failure(path, path, error);
  }
}

/**
 * Fetches a model into the cache. The bytes go to a file of this call's own and take their name only when they are
 * complete and have the right hash, so that processes that fetch at once do not see each other's halves.
 *
 * @throws EdgeFlowError `MODEL_DOWNLOAD` that says which file to put where instead.
 */
export async function fetchModel(name: string, entry: RegistryEntry, path: string, signal?: AbortSignal): Promise<void> {
  const part = `${path}.${process.pid}-${randomUUID()}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await download(name, entry, part, signal);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    signal?.throwIfAborted();
    throw failure(entry.url, path, error);
  }
}

async function download(name: string, { url, bytes, sha256 }: RegistryEntry, part: string, signal?: AbortSignal): Promise<void> {
  const stall = new AbortController();
  const timer = setTimeout(() => {
    stall.abort(new Error(`nothing came for ${stallMs / 1000} s`));
  }, stallMs);
  const progress = await progressBar(name, bytes);
  const file = await open(part, 'wx', 0o644);
  try {
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, stall.signal]) : stall.signal });
    if (!response.ok || !response.body) throw new Error(`the server answered ${response.status} ${response.statusText}`);
    const hash = createHash('sha256');
    let received = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      timer.refresh();
      received += chunk.length;
      if (received > bytes) throw new Error(`the server sends more than the ${bytes} bytes of this model`);
      hash.update(chunk);
      await file.writeFile(chunk);
      progress?.update(received);
    }
    if (received < bytes) throw new Error(`the connection ended after ${received} of ${bytes} bytes`);
    const found = hash.digest('hex');
    if (found !== sha256) throw new Error(`the bytes have sha256 ${found}; expected ${sha256}`);
    await file.sync();
  } finally {
    clearTimeout(timer);
    progress?.stop();
    await file.close();
  }
}

/** Only for somebody who is looking. */
async function progressBar(name: string, bytes: number): Promise<SingleBar | undefined> {
  if (!process.stderr.isTTY) return undefined;
  const { SingleBar } = await import('cli-progress');
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${name} [{bar}] {percentage}% of ${(bytes / 1e6).toFixed(1)} MB`,
    clearOnComplete: true,
  });
  bar.start(bytes, 0);
  return bar;
}

function failure(url: string, path: string, error: unknown): EdgeFlowError {
  // fetch says 'fetch failed' and keeps the reason in its cause.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new EdgeFlowError(
    'MODEL_DOWNLOAD',
    `the model could not be fetched from ${url}: ${why}. Fetch that file on a machine that can, and put it at ${path}, ` +
      'or into a folder that the environment variable EDGEFLOW_MODELS names',
    { cause: error },
  );
}
