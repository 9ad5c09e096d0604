import { closest, EdgeFlowError } from 'edgeflow';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fetchModel, holdsModel } from './fetchModel.js';
import { registry as publicRegistry } from './registry.js';
import type { RegistryEntry } from './registry.js';

/** A model file on this machine. */
export interface ResolvedModel {
  /** The registry's name, or the file's name without `.onnx`. */
  readonly name: string;
  readonly path: string;
}

/** Options of {@link resolveModel}. */
export interface ResolveModelOptions {
  /** Stops a download. */
  readonly signal?: AbortSignal;
  /** @internal Other models than the public ones, for tests. */
  readonly registry?: Readonly<Record<string, RegistryEntry>>;
}

/**
 * Finds a model: a path, or a name, which is looked up in the folder that `EDGEFLOW_MODELS` names (as `<name>.onnx`),
 * then in the cache, and then fetched from its official release, once for this machine.
 *
 * The cache is `$XDG_CACHE_HOME/edgeflow/models`, or `~/.cache/edgeflow/models`.
 *
 * @throws EdgeFlowError `MODEL_MISSING` when there is no such file or name, `MODEL_INVALID` for a path that is no file,
 * `MODEL_DOWNLOAD` when the model could not be fetched.
 */
export async function resolveModel(model: string, options: ResolveModelOptions = {}): Promise<ResolvedModel> {
  const { registry = publicRegistry } = options;
  if (looksLikePath(model)) return fromPath(model);
  const own = process.env.EDGEFLOW_MODELS;
  if (own !== undefined && own !== '') {
    const path = resolve(own, `${model}.onnx`);
    if (await kindOf(path)) return { name: model, path };
  }
  const entry = Object.hasOwn(registry, model) ? registry[model] : undefined;
  if (!entry) {
    if (await kindOf(model)) return fromPath(model);
    throw unknownName(model, Object.keys(registry), own);
  }
  const path = cachePath(model);
  if (!(await holdsModel(path, entry))) await fetchModel(model, entry, path, options.signal);
  return { name: model, path };
}

/** Where a fetched model is kept. */
export function cachePath(name: string): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'edgeflow', 'models', `${name}.onnx`);
}

function looksLikePath(model: string): boolean {
  return /[/\\]|\.onnx$/.test(model);
}

async function fromPath(model: string): Promise<ResolvedModel> {
  const path = resolve(model);
  const kind = await kindOf(path);
  if (!kind)
    throw new EdgeFlowError(
      'MODEL_MISSING',
      `model file ${path} does not exist; give the path of an ONNX file, or one of the names ${Object.keys(publicRegistry).join(', ')}`,
    );
  if (kind === 'other') throw new EdgeFlowError('MODEL_INVALID', `model ${path} is not a file; give the path of an ONNX file`);
  return { name: basename(path).replace(/\.onnx$/, ''), path };
}

async function kindOf(path: string): Promise<'file' | 'other' | undefined> {
  try {
    return (await stat(path)).isFile() ? 'file' : 'other';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new EdgeFlowError('MODEL_MISSING', `model file ${path} cannot be reached: ${(error as Error).message}`, { cause: error });
  }
}

function unknownName(model: string, names: readonly string[], own: string | undefined): EdgeFlowError {
  const searched =
    own === undefined || own === '' ? 'EDGEFLOW_MODELS names no folder' : `${resolve(own)} (EDGEFLOW_MODELS) has no ${model}.onnx`;
  const hint = closest(model, names);
  return new EdgeFlowError(
    'MODEL_MISSING',
    `no model is called '${model}', and ${searched}; known names are ${names.join(', ')}${hint === undefined ? '' : ` (did you mean '${hint}'?)`}, or give the path of an ONNX file`,
  );
}
