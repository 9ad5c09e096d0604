import { EdgeFlowError } from 'edgeflow';
import { messageIdColumn } from './row.js';
import type { FieldValue, Row } from './row.js';

/** How Parquet keeps a column. */
export type ParquetType = 'STRING' | 'DOUBLE' | 'INT64' | 'BOOLEAN' | 'TIMESTAMP' | 'BYTE_ARRAY';

/** Columns and their types, by name. */
export type ParquetColumns = Readonly<Record<string, ParquetType>>;

/** A row and its message. */
export interface ParquetRow {
  readonly key: string | undefined;
  readonly row: Row;
}

/** A column as the writer takes it. */
export interface ColumnData {
  readonly name: string;
  readonly type: ParquetType;
  readonly data: unknown[];
  readonly nullable: boolean;
}

const fits: Readonly<Record<ParquetType, (value: FieldValue) => unknown>> = {
  STRING: (value) => (typeof value === 'string' ? value : undefined),
  DOUBLE: (value) => (typeof value === 'number' ? value : undefined),
  INT64: (value) =>
    typeof value === 'bigint' ? BigInt.asIntN(64, value) : Number.isSafeInteger(value) ? BigInt(value as number) : undefined,
  BOOLEAN: (value) => (typeof value === 'boolean' ? value : undefined),
  TIMESTAMP: (value) => (value instanceof Date ? value : undefined),
  BYTE_ARRAY: (value) => (value instanceof Uint8Array ? value : undefined),
};

/** @throws EdgeFlowError `ROW_INVALID` for a row with a field of another type. */
export function checkTypes(row: Row, columns: ParquetColumns): void {
  for (const [name, type] of Object.entries(columns)) {
    const value = row[name];
    if (value !== undefined && value !== null && fits[type](value) === undefined)
      throw new EdgeFlowError('ROW_INVALID', `toParquet: ${name} is ${describe(value)}; expected ${type}`);
  }
}

function describe(value: FieldValue): string {
  return value instanceof Uint8Array ? 'bytes' : value instanceof Date ? 'a Date' : typeof value;
}

/** Rows as columns, the first of which tells their messages. */
export function columnData(rows: readonly ParquetRow[], columns: ParquetColumns): ColumnData[] {
  const ids: ColumnData = { name: messageIdColumn, type: 'STRING', data: rows.map(({ key }) => key ?? null), nullable: true };
  return [
    ids,
    ...Object.entries(columns).map(([name, type]) => ({
      name,
      type,
      data: rows.map(({ row }) => fits[type](row[name]) ?? null),
      nullable: true,
    })),
  ];
}
