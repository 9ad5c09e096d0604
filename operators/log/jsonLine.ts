const deepest = 32;

/**
 * A value as one line of JSON. Bytes are summarised as `{ "bytes": n }`, and what JSON has no form for (bigints, maps,
 * sets, errors, circles) gets one, so that no value can fail the log.
 */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(plain(value, []) ?? null)}\n`;
}

function plain(value: unknown, above: readonly object[]): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  // Before anything that lists keys: a frame has millions of them.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return { bytes: value.byteLength };
  if (above.includes(value)) return '[circular]';
  if (above.length >= deepest) return '[deeper]';
  const inside = [...above, value];
  if (value instanceof Error) return { name: value.name, ...plainEntries(value, inside), message: value.message };
  if (value instanceof Set) return plain([...value], inside);
  if (value instanceof Map) return plain(Object.fromEntries([...value].map(([key, entry]) => [String(key), entry])), inside);
  if (Array.isArray(value)) return value.map((entry) => plain(entry, inside));
  return plainEntries(value, inside);
}

function plainEntries(value: object, inside: readonly object[]): object {
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry, inside)]));
}
