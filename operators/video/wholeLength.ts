import type { FileHandle } from 'node:fs/promises';
import { boxAt } from './fragments.js';

/** Length of the part of a fragmented MP4 that is whole: its header and whole fragments. 0 where there is no fragment. */
export async function wholeLength(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const header = Buffer.alloc(16);
  let whole = 0;
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(header, 0, header.length, at);
    const box = boxAt(header.subarray(0, bytesRead), at);
    if (!box || box.end > size) return whole;
    if (box.type === 'mdat' || box.type === 'mfra') whole = box.end;
    at = box.end;
  }
}
