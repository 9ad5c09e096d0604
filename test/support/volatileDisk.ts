import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join } from 'node:path';

const sectorBytes = 512;

/** What a disk is known to have of a folder. */
interface Kept {
  /** Names of the folder, with the inodes of their files. */
  names: Map<string, number>;
  /** Bytes of files, by their inodes. */
  readonly bytes: Map<number, Buffer>;
}

/** A folder whose disk keeps what it was told to, by fsync and fdatasync of Node's fs; anything else may go with the power. */
export interface VolatileDisk {
  /**
   * Writes to another folder what a loss of power at this moment might leave: all that was synced, and of the rest, sector by
   * sector and name by name, what `keeps` says.
   */
  lose(target: string, keeps: () => boolean): void;
  remove(): void;
}

/** How a disk is. */
interface DiskOptions {
  /** Calls after which it says that it has what it was told to keep, and does not. */
  readonly lies?: readonly ('fdatasync' | 'fsync of a file' | 'fsync of the folder')[];
  /** Files that others than Node's fs sync: they are as they are. */
  readonly except?: readonly string[];
  /** Fails syncs as long as it gives an error. */
  readonly fails?: () => Error | undefined;
}

export function volatileDisk(directory: string, { lies = [], except = [], fails = () => undefined }: DiskOptions = {}): VolatileDisk {
  const { openSync, closeSync, fdatasync, fsync, fdatasyncSync, fsyncSync } = fs;
  const open = new Map<number, string>();
  // It begins with what it has.
  const names = namesIn(directory);
  const kept: Kept = { names, bytes: new Map([...names].map(([name, ino]) => [ino, fs.readFileSync(join(directory, name))])) };

  /** What a sync that begins now will have kept. */
  let syncs = 0;
  const latest = new Map<number, number>();
  const begin = (descriptor: number, call: 'fdatasync' | 'fsync'): (() => void) => {
    const file = open.get(descriptor);
    if (file === undefined) return () => undefined;
    if (lies.includes(call === 'fdatasync' ? call : file === directory ? 'fsync of the folder' : 'fsync of a file')) return () => undefined;
    if (file === directory) {
      const names = namesIn(directory);
      return () => (kept.names = names);
    }
    const [ino, bytes] = [fs.fstatSync(descriptor).ino, fs.readFileSync(`/proc/self/fd/${descriptor}`)];
    const sync = ++syncs;
    return () => {
      // One that began earlier may end later.
      if (sync < (latest.get(ino) ?? 0)) return;
      latest.set(ino, sync);
      kept.bytes.set(ino, bytes);
    };
  };

  fs.openSync = (file, ...rest): number => {
    const descriptor = openSync(file, ...rest);
    if (String(file) === directory || dirname(String(file)) === directory) open.set(descriptor, String(file));
    return descriptor;
  };
  fs.closeSync = (descriptor): void => {
    open.delete(descriptor);
    closeSync(descriptor);
  };
  const later = (sync: typeof fs.fsync, call: 'fdatasync' | 'fsync'): typeof fs.fsync =>
    Object.assign((descriptor: number, done: fs.NoParamCallback): void => {
      const end = begin(descriptor, call);
      const failure = open.has(descriptor) ? fails() : undefined;
      sync(descriptor, (error) => {
        if (!error && !failure) end();
        done(error ?? failure ?? null);
      });
    }, sync);
  const now =
    (sync: typeof fs.fsyncSync, call: 'fdatasync' | 'fsync'): typeof fs.fsyncSync =>
    (descriptor) => {
      const end = begin(descriptor, call);
      sync(descriptor);
      end();
    };
  fs.fdatasync = later(fdatasync, 'fdatasync');
  fs.fsync = later(fsync, 'fsync');
  fs.fdatasyncSync = now(fdatasyncSync, 'fdatasync');
  fs.fsyncSync = now(fsyncSync, 'fsync');
  syncBuiltinESMExports();

  return {
    lose: (target, keeps) => {
      fs.mkdirSync(target, { recursive: true });
      const present = namesIn(directory);
      for (const name of new Set([...kept.names.keys(), ...present.keys()])) {
        const [before, after] = [kept.names.get(name), present.get(name)];
        const ino = before === after || keeps() ? after : before;
        if (ino === undefined) continue;
        const there = present.get(name) === ino ? fs.readFileSync(join(directory, name)) : undefined;
        const old = kept.bytes.get(ino) ?? Buffer.alloc(0);
        fs.writeFileSync(join(target, name), there && !except.includes(name) ? mixed(old, there, keeps) : (there ?? old));
      }
    },
    remove: () => {
      Object.assign(fs, { openSync, closeSync, fdatasync, fsync, fdatasyncSync, fsyncSync });
      syncBuiltinESMExports();
    },
  };
}

function namesIn(directory: string): Map<string, number> {
  const files = fs.readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(files.map(({ name }) => [basename(name), fs.statSync(join(directory, name)).ino]));
}

/** The old bytes, with those sectors of the new ones that reached the disk. */
function mixed(old: Buffer, present: Buffer, keeps: () => boolean): Buffer {
  const result = Buffer.alloc(present.length >= old.length && keeps() ? present.length : old.length);
  old.copy(result);
  for (let at = 0; at < result.length; at += sectorBytes) {
    const sector = present.subarray(at, at + sectorBytes);
    if (!sector.equals(result.subarray(at, at + sectorBytes)) && keeps()) sector.copy(result, at);
  }
  return result;
}
