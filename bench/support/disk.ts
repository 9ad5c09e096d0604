import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** Folder of what the benches write to disk: that for temporary files, which `TMPDIR` names. */
export const diskFolder = tmpdir;

/** See statfs(2). */
const names: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0xf2f52010: 'f2fs',
  0x794c7630: 'overlayfs',
  0x01021994: 'tmpfs',
};

/** Name of the file system that {@link diskFolder} lies on. */
export function diskFileSystem(): string {
  const { type } = statfsSync(diskFolder());
  return names[type] ?? `0x${type.toString(16)}`;
}
