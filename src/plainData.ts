import { EdgeFlowError } from './errors.js';

/** How deep lists and objects of a value may lie in each other. Bounds the stack of all who walk through a value. */
export const maxDepth = 64;

/** Keys that, written carelessly, change what an object is. No message has them. */
export const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Checks that a value arrives as it is sent: text, numbers, booleans, null, undefined, byte arrays, and lists and
 * objects of them. An object of a class travels as its own properties.
 *
 * @throws EdgeFlowError `VALUE_INVALID` for what would be lost or changed on the way, in silence perhaps.
 */
export function checkPlain(value: unknown): void {
  const found = strangePart(value, maxDepth);
  if (found !== undefined) throw new EdgeFlowError('VALUE_INVALID', `a value cannot be published: ${found}; expected plain data`);
}

/** What is not plain data in a value, in words. */
function strangePart(value: unknown, depthLeft: number): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol') return `there is a ${typeof value} in it`;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return undefined;
  if (depthLeft === 0) return `its lists and objects lie more than ${maxDepth} deep in each other, or in a circle`;
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = strangePart(item, depthLeft - 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isRecord(value)) return `there is a ${Object.prototype.toString.call(value).slice(8, -1)} in it`;
  for (const key of Object.keys(value)) {
    if (forbiddenKeys.has(key)) return `it has a property '${key}'`;
    const found = strangePart(value[key], depthLeft - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isRecord(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  // Dates, maps, errors, typed arrays … have tags of their own; what turns itself into JSON is more than its properties.
  return Object.prototype.toString.call(value) === '[object Object]' && !('toJSON' in value);
}
