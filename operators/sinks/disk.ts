import { systemCode } from '../blobs/files.js';
import type { Outage } from './target.js';

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free space or set limits that fit it',
  EDQUOT: 'the quota is used up; free space or set limits that fit it',
  EACCES: 'this user may not write there; change the owner or the path',
  EPERM: 'this user may not write there; change the owner or the path',
  EROFS: 'the file system is read-only',
  EIO: 'the disk does not work',
  ENOENT: 'the folder was removed',
  ESTALE: 'the file server has forgotten the file',
  EMFILE: 'this process has too many files open',
  ENFILE: 'the system has too many files open',
};

/** Whether nobody could write there just now; undefined for errors that waiting does not mend. */
export function outageOfDisk(error: unknown): Outage | undefined {
  const code = systemCode(error) ?? '';
  const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  return reason === undefined ? undefined : { reason: `${reason} (${code})` };
}
