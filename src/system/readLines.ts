import type { Readable } from 'node:stream';

/** Most characters of a line that are gathered. */
const longestLine = 1024 * 1024;

const lineEnd = /\r\n|[\n\r\u2028\u2029]/;

/** What `redact` looks at as one, at the end of a text, and what parts it from the rest. */
const lastWord = /[\s'"][^\s'"]*$/;

/**
 * Passes on the lines of a stream, without their ends. One of more than 1 Mi characters comes in parts:
 * that of a program which never ends its line would take all memory.
 */
export function readLines(input: Readable, onLine: (line: string) => void): void {
  let begun = '';
  let afterReturn = false;
  input.setEncoding('utf8');
  input.on('data', (chunk: string) => {
    const text = afterReturn && chunk.startsWith('\n') ? chunk.slice(1) : chunk;
    afterReturn = chunk.endsWith('\r');
    const lines = text.split(lineEnd);
    const unended = lines.pop() ?? '';
    for (const line of lines) {
      onLine(begun + line);
      begun = '';
    }
    begun += unended;
    if (begun.length <= longestLine) return;
    const end = partEnd(begun);
    onLine(begun.slice(0, end));
    begun = begun.slice(end);
  });
  input.on('end', () => {
    if (begun !== '') onLine(begun);
  });
}

/** No url is cut in two, if it can be helped: half a password would not be seen to be one. */
function partEnd(text: string): number {
  const end = text.search(lastWord) + 1;
  return end > 0 ? end : text.length;
}
