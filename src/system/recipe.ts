import { parseArgs } from 'node:util';
import { EdgeFlowError, errorMessage } from '../errors.js';
import { System } from './system.js';

const recipeKey = Symbol.for('edgeflow.recipe');

/** A function that makes a System: to be run by `edgeflow run`, or taken in by another System with `use`. */
export interface Recipe<Options extends object> {
  /** @throws EdgeFlowError `OPTIONS_INVALID` for an option that there is not. */
  (options?: Partial<Options>): System;
  /** What options are when they are left out. */
  readonly defaults: Readonly<Options>;
  readonly [recipeKey]: true;
}

/**
 * Makes a recipe. Default-exported from a module it can be run: `edgeflow run counter.ts -- --source street.mp4`. On the command
 * line `minScore` is `--min-score`; numbers and texts are written as they are, lists and objects as JSON.
 *
 * @param defaults - all options with their defaults; `undefined` for one that has none.
 * @param build - makes the System. It is called again in each worker, so it must make the same one each time.
 * @example
 * ```ts
 * export const counter = defineRecipe({ source: 'street.mp4', minScore: 0.5 }, ({ source, minScore }) => {
 *   const system = new System('counter');
 *   const frames = system.node(() => camera({ source }), { name: 'camera' });
 *   const yolo = system.node(detectYolo({ scoreThreshold: minScore }), { name: 'yolo' });
 *   const log = system.node(logTo('detections.jsonl'), { name: 'log' });
 *   system.link(frames).to(yolo, QoS.REALTIME).to(log, QoS.DURABLE);
 *   return system;
 * });
 * export default counter;
 * ```
 */
export function defineRecipe<Options extends object>(defaults: Options, build: (options: Options) => System): Recipe<Options> {
  const names = Object.keys(defaults);
  const recipe = (options: Partial<Options> = {}): System => {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const unknown = given.find(([name]) => !names.includes(name));
    if (unknown) throw unknownOption(unknown[0], names);
    return build({ ...defaults, ...Object.fromEntries(given) });
  };
  return Object.assign(recipe, { defaults, [recipeKey]: true as const });
}

/** Whether a module's export was made by {@link defineRecipe}; true across two copies of the package. */
export function isRecipe(value: unknown): value is Recipe<Record<string, unknown>> {
  return typeof value === 'function' && recipeKey in value;
}

/**
 * The System of an entry module's default export: itself, or what a recipe makes of command line arguments.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID` for arguments that the recipe does not know.
 */
export function systemOf(exported: unknown, args: readonly string[]): System | undefined {
  if (exported instanceof System) return exported;
  return isRecipe(exported) ? exported(readOptions(exported.defaults, args)) : undefined;
}

/** `minScore` on the command line. */
export function flagOf(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function readOptions(defaults: Readonly<Record<string, unknown>>, args: readonly string[]): Record<string, unknown> {
  const flags = new Map(Object.keys(defaults).map((name) => [flagOf(name), name]));
  const isSwitch = (name: string): boolean => typeof defaults[name] === 'boolean';
  const options = Object.fromEntries([...flags].map(([flag, name]) => [flag, { type: isSwitch(name) ? 'boolean' : 'string' } as const]));
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({ args: [...args], options, allowNegative: true }));
  } catch (cause) {
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `${errorMessage(cause)}; expected ${[...flags.keys()].map((flag) => `--${flag}`).join(', ')}`,
      { cause },
    );
  }
  return Object.fromEntries(
    Object.entries(values).flatMap(([flag, value]) => {
      const name = flags.get(flag);
      return name === undefined ? [] : [[name, typeof value === 'string' ? read(flag, value, defaults[name]) : value]];
    }),
  );
}

/** A value as its default is: a number, a text, or else JSON. */
function read(flag: string, text: string, example: unknown): unknown {
  if (example === undefined || typeof example === 'string') return text;
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === typeof example && Array.isArray(value) === Array.isArray(example) && value !== null) return value;
  } catch {
    // Told below, with what was expected.
  }
  throw new EdgeFlowError(
    'OPTIONS_INVALID',
    `--${flag} is '${text}'; expected ${typeof example === 'number' ? 'a number' : 'JSON'} such as ${JSON.stringify(example)}`,
  );
}

function unknownOption(name: string, names: readonly string[]): EdgeFlowError {
  return new EdgeFlowError('OPTIONS_INVALID', `there is no option '${name}'; expected ${names.join(', ')}`);
}
