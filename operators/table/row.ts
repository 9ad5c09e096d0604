import { EdgeFlowError } from 'edgeflow';

/** What a field of a row may hold. */
export type FieldValue = string | number | bigint | boolean | Date | Uint8Array | null | undefined;

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, FieldValue>>;

/** Name of the column that tells messages apart. */
export const messageIdColumn = 'message_id';

const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/** Whether a text may be the name of a table or a column. */
export function isName(name: string): boolean {
  return namePattern.test(name);
}

/** @throws EdgeFlowError `OPTIONS_INVALID` for names that are none, or that are the operator's own. */
export function checkColumns(operator: string, names: readonly string[]): void {
  if (names.length === 0) throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: columns is empty; expected at least one`);
  for (const name of names) {
    const wrong = columnFault(name);
    if (wrong !== undefined) throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: ${wrong}`);
  }
}

function columnFault(name: string): string | undefined {
  if (!isName(name)) return `'${name}' is not a column name; expected letters, digits and _, not a digit first`;
  return name.toLowerCase() === messageIdColumn ? `the column ${messageIdColumn} is the operator's own; name yours differently` : undefined;
}

/** Names of a first row, for a table that is made by it. */
export function columnsOf(operator: string, row: Row): string[] {
  const names = Object.keys(row);
  const wrong = names.length === 0 ? 'the first row has no column' : names.map(columnFault).find((fault) => fault !== undefined);
  if (wrong !== undefined) throw new EdgeFlowError('ROW_INVALID', `${operator}: ${wrong}`);
  return names;
}

/** @throws EdgeFlowError `ROW_INVALID` for a row with a column that is not among the known ones. */
export function checkRow(operator: string, row: unknown, known: ReadonlySet<string>): asserts row is Row {
  if (typeof row !== 'object' || row === null)
    throw new EdgeFlowError(
      'ROW_INVALID',
      `${operator}: row gave ${row === null ? 'null' : typeof row}; expected an object by column names`,
    );
  for (const name of Object.keys(row))
    if (!known.has(name))
      throw new EdgeFlowError('ROW_INVALID', `${operator}: there is no column '${name}'; expected among ${[...known].join(', ')}`);
}

/** One row or several, as a list. */
export function rowsOf(made: Row | readonly Row[]): readonly Row[] {
  return Array.isArray(made) ? (made as readonly Row[]) : [made as Row];
}
