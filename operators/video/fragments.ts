import { EdgeFlowError } from 'edgeflow';

/** A whole piece of a fragmented MP4 (ISO/IEC 14496-12): the header, one fragment with its pictures, or what ends it. */
export interface Mp4Piece {
  readonly bytes: Buffer;
  /** Times of the pictures in it, in the track's units. */
  readonly times: readonly number[];
}

interface Box {
  readonly type: string;
  readonly body: Buffer;
}

/** Largest box that is taken for one. */
const mostBytes = 1 << 30;

/** Length of the box that begins there; undefined where its header is not whole or is none. */
function boxLength(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < 8) return undefined;
  const short = bytes.readUInt32BE(at);
  if (short !== 1) return short;
  return bytes.length - at < 16 ? undefined : Number(bytes.readBigUInt64BE(at + 8));
}

function* boxesOf(bytes: Buffer): Generator<Box> {
  for (let at = 0; ;) {
    const length = boxLength(bytes, at);
    if (length === undefined || length < 8 || at + length > bytes.length) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + length) };
    at += length;
  }
}

function inside(bytes: Buffer, path: readonly string[]): Buffer | undefined {
  const [type, ...rest] = path;
  if (type === undefined) return bytes;
  for (const box of boxesOf(bytes)) if (box.type === type) return inside(box.body, rest);
  return undefined;
}

/** Decode times of the pictures of a `moof`. Without B pictures, as here, they are shown at these times. */
function timesOf(moof: Buffer): number[] {
  const traf = inside(moof, ['moof', 'traf']);
  const [tfhd, tfdt, trun] = ['tfhd', 'tfdt', 'trun'].map((type) => traf && inside(traf, [type]));
  if (!tfhd || !tfdt || !trun) throw new EdgeFlowError('STORE_FAILED', 'recordVideo: ffmpeg wrote a fragment without times');
  let time = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
  const headFlags = tfhd.readUIntBE(1, 3);
  const defaultDuration = headFlags & 0x8 ? tfhd.readUInt32BE(8 + (headFlags & 0x1 ? 8 : 0) + (headFlags & 0x2 ? 4 : 0)) : 0;
  const flags = trun.readUIntBE(1, 3);
  let at = 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  const fieldBytes = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length * 4;
  const times: number[] = [];
  for (let left = trun.readUInt32BE(4); left > 0; left--) {
    times.push(time);
    time += flags & 0x100 ? trun.readUInt32BE(at) : defaultDuration;
    at += fieldBytes;
  }
  return times;
}

/** Cuts the bytes that ffmpeg writes into pieces that may be appended to a file one by one. */
export class Mp4Cutter {
  #chunks: Buffer[] = [];
  #length = 0;
  /** A box that belongs to the next one: `ftyp`, and the `moof` of an `mdat`. */
  #before: Buffer[] = [];
  #times: number[] = [];
  #wanted = 8;

  push(chunk: Buffer, emit: (piece: Mp4Piece) => void): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    for (;;) {
      const length = boxLength(bytes, 0);
      if (length !== undefined && (length < 8 || length > mostBytes))
        throw new EdgeFlowError('STORE_FAILED', 'recordVideo: ffmpeg wrote something that is not MP4');
      this.#wanted = length ?? 16;
      if (length === undefined || bytes.length < length) break;
      this.#take(bytes.subarray(0, length), emit);
      bytes = bytes.subarray(length);
    }
    this.#chunks = [bytes];
    this.#length = bytes.length;
  }

  #take(box: Buffer, emit: (piece: Mp4Piece) => void): void {
    const type = box.toString('latin1', 4, 8);
    this.#before.push(box);
    if (type === 'moof') this.#times = timesOf(box);
    if (type === 'ftyp' || type === 'moof') return;
    const piece = { bytes: Buffer.concat(this.#before), times: this.#times };
    this.#before = [];
    this.#times = [];
    emit(piece);
  }
}

/** A box of a file, and where it ends. */
export interface BoxEnd {
  readonly type: string;
  readonly end: number;
}

/** The box that begins with these bytes at this place of a file; undefined where there is none. */
export function boxAt(header: Buffer, at: number): BoxEnd | undefined {
  const length = boxLength(header, 0);
  return length === undefined || length < 8 ? undefined : { type: header.toString('latin1', 4, 8), end: at + length };
}
