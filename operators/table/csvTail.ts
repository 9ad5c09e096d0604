import type { FileHandle } from 'node:fs/promises';

/** What is whole of a CSV file. */
export interface WholeRows {
  /** Where the last whole row ends whose message has all its rows. */
  readonly bytes: number;
  /** Fields of the first row; undefined for an empty file. */
  readonly header: readonly string[] | undefined;
  /** Keys of the last messages, oldest first. */
  readonly firstFields: readonly string[];
}

/** First field of a row whose message has further rows. */
const unfinished = /\.\d+$/;
const chunkBytes = 1 << 20;
const quote = 0x22;
const newline = 0x0a;

/**
 * Reads a CSV file once from its beginning: a newline ends a row only outside quotes, and what is outside is known only
 * from the beginning on (RFC 4180). First fields and the header are names without quotes, as this operator writes them.
 */
export async function wholeRows(file: FileHandle, delimiter: string, mostFields: number): Promise<WholeRows> {
  const chunk = Buffer.alloc(chunkBytes);
  let quoted = false;
  let at = 0;
  let end = 0;
  let row: Buffer[] = [];
  let header: string[] | undefined;
  let fields: string[] = [];
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, at);
    if (bytesRead === 0) return { bytes: end, header, firstFields: fields.slice(-mostFields) };
    let start = 0;
    for (let place = 0; place < bytesRead; place++) {
      const byte = chunk[place];
      if (byte === quote) quoted = !quoted;
      if (byte !== newline || quoted) continue;
      row.push(Buffer.from(chunk.subarray(start, place)));
      const line = Buffer.concat(row).toString('utf8');
      row = [];
      start = place + 1;
      const field = line.slice(0, Math.max(0, line.indexOf(delimiter)));
      if (header && unfinished.test(field)) continue;
      end = at + start;
      if (header) fields.push(field);
      else header = line.split(delimiter);
    }
    row.push(Buffer.from(chunk.subarray(start, bytesRead)));
    if (fields.length > 2 * mostFields) fields = fields.slice(-mostFields);
    at += bytesRead;
  }
}
