import { existsSync } from 'node:fs';
import { holdsModel } from './fetchModel.js';
import { registry } from './registry.js';
import { cachePath, resolveModel } from './resolveModel.js';

/** A model that is known by name. */
export interface CatalogModel {
  readonly name: string;
  readonly bytes: number;
  /** Licence of the weights. */
  readonly license: string;
  readonly url: string;
  /** Where it is kept once it was fetched. */
  readonly path: string;
  /** `kept`: there, with the published hash; `changed`: there, with other bytes. */
  readonly state: 'kept' | 'changed' | 'absent';
}

/**
 * Models that `detectYolo` knows by name, and whether this machine has them. Fetches nothing.
 *
 * @example
 * ```ts
 * for (const { name, license, state } of await listModels()) console.log(name, license, state);
 * ```
 */
export async function listModels(): Promise<CatalogModel[]> {
  return Promise.all(
    Object.entries(registry).map(async ([name, entry]) => {
      const path = cachePath(name);
      const state = (await holdsModel(path, entry)) ? 'kept' : existsSync(path) ? 'changed' : 'absent';
      return { name, bytes: entry.bytes, license: entry.license, url: entry.url, path, state } as const;
    }),
  );
}

/**
 * Fetches a model by its name, if this machine does not have it; a file whose bytes are not the published ones is replaced.
 *
 * @param options - `signal` ends the download; what has come by then is deleted, and the promise rejects with the signal's reason.
 * @returns its path.
 * @throws EdgeFlowError `MODEL_MISSING` for a name that is not known, `MODEL_DOWNLOAD`
 * @example
 * ```ts
 * const path = await pullModel('yolox-nano');
 * console.log(path);
 * ```
 */
export async function pullModel(name: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<string> {
  return (await resolveModel(name, signal ? { signal } : {})).path;
}
