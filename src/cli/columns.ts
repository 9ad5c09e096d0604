/** Lines of text in columns; those named in `text` align left, as words do, the others right, as numbers do. */
export function columns(rows: readonly (readonly string[])[], text: ReadonlySet<string>): string[] {
  const [header = []] = rows;
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const align = (cell: string, column: number): string =>
    text.has(header[column] ?? '') ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(align).join('  ').trimEnd());
}
