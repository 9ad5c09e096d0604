/** Longest wait at the end of the process, for a model that hangs. */
const maxWaitMs = 5_000;

/** 1 while the thread is in native code, 0 while it may be ended. */
export type BusyFlag = Int32Array<SharedArrayBuffer>;

const guarded = new Set<BusyFlag>();

function waitForAll(): void {
  for (const busy of guarded) Atomics.wait(busy, 0, 1, maxWaitMs);
}

/**
 * Lets a process that ends, by `process.exit` or an uncaught error, wait for the run that is under way: node ends worker
 * threads abruptly, and onnxruntime aborts the whole process (SIGABRT, "Napi::Error") when that happens inside a run, so
 * that the exit code would be lost.
 *
 * @returns a function that ends the guard.
 */
export function guardExit(busy: BusyFlag): () => void {
  if (guarded.size === 0) process.on('exit', waitForAll);
  guarded.add(busy);
  return () => {
    guarded.delete(busy);
    if (guarded.size === 0) process.off('exit', waitForAll);
  };
}

/** A flag that both threads see; a thread is busy from its start, with loading its model. */
export function busyFlag(): BusyFlag {
  const busy = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  Atomics.store(busy, 0, 1);
  return busy;
}

/** Called by the thread around its native work. */
export function setBusy(busy: BusyFlag, now: boolean): void {
  Atomics.store(busy, 0, now ? 1 : 0);
  Atomics.notify(busy, 0);
}
