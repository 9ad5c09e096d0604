import { systemCode } from '../blobs/files.js';
import { outageOfDisk } from '../sinks/disk.js';
import type { Outage } from '../sinks/target.js';

const reasons: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_FULL/, 'the disk is full; free space'],
  [/^SQLITE_(BUSY|LOCKED)/, 'another program has locked the database'],
  [/^SQLITE_(IOERR|CANTOPEN)/, 'the file could not be read or written; is the disk there, and not full?'],
  [/^SQLITE_READONLY/, 'this user may not write there; change the owner or the path'],
  // What libsql throws where the file cannot be opened has an empty code.
  [/^$/, 'the file could not be opened; is the disk there, and may this user write?'],
];

/** Whether the database could not be used by anybody just now; undefined for errors that waiting does not mend. */
export function outageOfDatabase(error: unknown): Outage | undefined {
  const code = systemCode(error);
  if (code === undefined) return undefined;
  const reason = reasons.find(([pattern]) => pattern.test(code))?.[1];
  return reason === undefined ? outageOfDisk(error) : { reason: code === '' ? reason : `${reason} (${code})` };
}
