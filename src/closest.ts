/** Edit distance (Levenshtein), row by row. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (above[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      row.push(Math.min(replaced, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}

/**
 * The name most like the one that was written, for error messages; letter case counts for nothing.
 *
 * @example
 * ```ts
 * closest('detectYola', ['detectMotion', 'detectYolo']) // 'detectYolo'
 * ```
 */
export function closest(written: string, names: readonly string[]): string | undefined {
  const wanted = written.toLowerCase().slice(0, 100);
  const ranked = names.map((name) => ({ name, away: distance(wanted, name.toLowerCase().slice(0, 100)) }));
  return ranked.toSorted((a, b) => a.away - b.away)[0]?.name;
}
