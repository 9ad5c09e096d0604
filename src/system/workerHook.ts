import type { System } from './system.js';

const key = Symbol.for('edgeflow.worker');
const globals = globalThis as typeof globalThis & { [key]?: (system: System) => void };

/** Set in worker processes: takes the System that the entry module runs. */
export function workerHook(): ((system: System) => void) | undefined {
  return globals[key];
}

export function setWorkerHook(hook: (system: System) => void): void {
  globals[key] = hook;
}
