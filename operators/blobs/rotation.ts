import { rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { indexName, listFolders, listPictures } from './blobIndex.js';
import type { BlobRef } from './blobRef.js';
import { sidecarOf, timeOfName } from './blobRef.js';
import { emptyWhereMissing, systemCode } from './files.js';

/** How much a store keeps. The oldest pictures go first. */
export interface RetentionLimits {
  /** Most pictures. @defaultValue Infinity */
  readonly maxCount?: number;
  /** Most bytes of pictures. @defaultValue Infinity */
  readonly maxBytes?: number;
  /** Longest time since the picture was taken, in milliseconds. @defaultValue Infinity */
  readonly maxAgeMs?: number;
}

/** Pictures of one minute. */
interface Folder {
  /** Bytes by name, oldest first unless `unsorted`. */
  sizes: Map<string, number>;
  newest: string;
  unsorted: boolean;
  readonly changedNs: bigint;
}

function folderOf(sizes: Map<string, number>, changedNs: bigint): Folder {
  return { sizes, newest: [...sizes.keys()].at(-1) ?? '', unsorted: false, changedNs };
}

const longestUnseen = 256;
/** A look takes at most one part in so many of the time. */
const lookShare = 20;
/** A folder that changed so shortly before it was read may change again without a new time of change. */
const clockGrainNs = 2_000_000_000n;

/**
 * Keeps a store within its limits. Other processes may write to the same store: the folders that changed are read again
 * every few pictures, so that the limits hold for all of them together, within what was written since the last look.
 */
export class Rotation {
  readonly #root: string;
  readonly #limits: Required<RetentionLimits>;
  readonly #lookEvery: number;
  /** Pictures that are being stored, with how many times at once. */
  readonly #underWay = new Map<string, number>();
  #folders = new Map<string, Folder>();
  #order: string[] = [];
  #count = 0;
  #bytes = 0;
  #unseen = Infinity;
  #nextLook = 0;

  constructor(root: string, { maxCount = Infinity, maxBytes = Infinity, maxAgeMs = Infinity }: RetentionLimits) {
    this.#root = root;
    this.#limits = { maxCount, maxBytes, maxAgeMs };
    this.#lookEvery = Math.max(1, Math.min(longestUnseen, Math.ceil(maxCount / 4)));
  }

  /** Until `ends`, a picture is not removed: of two that are stored at once, each would give way to the other. */
  begins(path: string): void {
    this.#underWay.set(path, (this.#underWay.get(path) ?? 0) + 1);
  }

  ends(path: string): void {
    const others = (this.#underWay.get(path) ?? 0) - 1;
    if (others > 0) this.#underWay.set(path, others);
    else this.#underWay.delete(path);
  }

  /** Counts a picture that was just stored, and removes old ones until the limits hold; none of those that are being stored. */
  async stored(ref: BlobRef): Promise<void> {
    const { maxCount, maxBytes, maxAgeMs } = this.#limits;
    if (maxCount === Infinity && maxBytes === Infinity && maxAgeMs === Infinity) return;
    if (++this.#unseen >= this.#lookEvery && performance.now() >= this.#nextLook) await this.#look();
    this.#add(ref);
    const oldestTime = Date.now() - maxAgeMs;
    for (const name of [...this.#order]) {
      const folder = this.#folders.get(name);
      if (!folder) continue;
      for (const picture of this.#oldestFirst(folder)) {
        const within = this.#count <= maxCount && this.#bytes <= maxBytes;
        if (within && timeOfName(picture) >= oldestTime) return;
        if (this.#underWay.has(`${name}/${picture}`)) continue;
        const path = join(this.#root, name, picture);
        // What tells of a picture goes before it: a kill in between leaves nothing that nobody would remove.
        await rm(sidecarOf(path), { force: true });
        if (this.#underWay.has(`${name}/${picture}`)) continue;
        await rm(path, { force: true });
        // It may have been written meanwhile.
        await rm(sidecarOf(path), { force: true });
        this.#forget(folder, picture);
      }
      if (folder.sizes.size === 0) await this.#removeFolder(name);
    }
  }

  #oldestFirst(folder: Folder): Iterable<string> {
    if (folder.unsorted) {
      folder.sizes = new Map([...folder.sizes].sort(([a], [b]) => (a < b ? -1 : 1)));
      folder.unsorted = false;
    }
    return folder.sizes.keys();
  }

  #add(ref: BlobRef): void {
    const cut = ref.path.lastIndexOf('/');
    const name = ref.path.slice(0, cut);
    const picture = ref.path.slice(cut + 1);
    let folder = this.#folders.get(name);
    if (!folder) {
      folder = folderOf(new Map(), 0n);
      this.#folders.set(name, folder);
      this.#order = [...this.#folders.keys()].sort();
    }
    this.#forget(folder, picture);
    folder.sizes.set(picture, ref.bytes);
    this.#count++;
    this.#bytes += ref.bytes;
    if (picture > folder.newest) folder.newest = picture;
    else folder.unsorted = true;
  }

  #forget(folder: Folder, picture: string): void {
    const bytes = folder.sizes.get(picture);
    if (bytes === undefined) return;
    folder.sizes.delete(picture);
    this.#count--;
    this.#bytes -= bytes;
  }

  async #look(): Promise<void> {
    const startedAt = performance.now();
    const seen = new Map<string, Folder>();
    for (const folder of await listFolders(this.#root)) {
      const path = join(this.#root, folder);
      const changedNs = await emptyWhereMissing(
        stat(path, { bigint: true }).then(({ mtimeNs }) => mtimeNs),
        undefined,
      );
      if (changedNs === undefined) continue;
      const known = this.#folders.get(folder);
      const unchanged = known?.changedNs === changedNs && changedNs < BigInt(Date.now()) * 1_000_000n - clockGrainNs;
      seen.set(folder, unchanged ? known : folderOf(await this.#sizes(folder), changedNs));
    }
    this.#folders = seen;
    this.#order = [...seen.keys()].sort();
    const sizes = [...seen.values()].flatMap((folder) => [...folder.sizes.values()]);
    this.#count = sizes.length;
    this.#bytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
    this.#unseen = 0;
    this.#nextLook = performance.now() + lookShare * (performance.now() - startedAt);
  }

  async #sizes(folder: string): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for (const name of await listPictures(this.#root, folder)) {
      // Sizes are asked of the file system only where a limit depends on them.
      const bytes =
        this.#limits.maxBytes === Infinity
          ? 0
          : await emptyWhereMissing(
              stat(join(this.#root, folder, name)).then(({ size }) => size),
              undefined,
            );
      if (bytes !== undefined) sizes.set(name, bytes);
    }
    return sizes;
  }

  /** Removes an empty minute and its index. A writer whose line was in that index sees it and writes the line again. */
  async #removeFolder(folder: string): Promise<void> {
    this.#folders.delete(folder);
    this.#order = this.#order.filter((other) => other !== folder);
    if ((await listPictures(this.#root, folder)).length > 0) return;
    const path = join(this.#root, folder);
    await emptyWhereMissing(unlink(join(path, indexName)), undefined);
    await removeIfEmpty(path);
    await removeIfEmpty(dirname(path));
  }
}

async function removeIfEmpty(path: string): Promise<void> {
  await rmdir(path).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemCode(error) ?? '')) throw error;
  });
}
