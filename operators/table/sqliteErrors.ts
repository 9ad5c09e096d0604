import { systemCode } from '../blobs/files.js';
import type { Outage } from '../sinks/target.js';

const reasons: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_FULL|^ENOSPC|^EDQUOT/, 'the disk is full; free space'],
  [/^SQLITE_(BUSY|LOCKED)/, 'another program has locked the database'],
  [/^SQLITE_(IOERR|CANTOPEN)|^EIO/, 'the file could not be read or written; is the disk there, and not full?'],
  [/^SQLITE_READONLY|^EROFS|^EACCES|^EPERM/, 'this user may not write there; change the owner or the path'],
];

/** Whether the database could not be used by anybody just now; undefined for errors that waiting does not mend. */
export function outageOfDatabase(error: unknown): Outage | undefined {
  const code = systemCode(error);
  if (code === undefined) return undefined;
  // What libsql throws where the file cannot be opened has an empty code.
  if (code === '') return { reason: 'the file could not be opened; is the disk there, and may this user write?' };
  const reason = reasons.find(([pattern]) => pattern.test(code))?.[1];
  return reason === undefined ? undefined : { reason: `${reason} (${code})` };
}
