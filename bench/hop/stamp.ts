/** What travels with each frame. */
export interface Stamp {
  readonly phase: number;
  readonly index: number;
  /** When `push` was called, by `clockMs`. */
  readonly pushedMs: number;
}

export function writeStamp({ phase, index, pushedMs }: Stamp): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeUInt32LE(phase, 0);
  bytes.writeUInt32LE(index, 4);
  bytes.writeDoubleLE(pushedMs, 8);
  return bytes;
}

export function readStamp(meta: Uint8Array): Stamp {
  const bytes = Buffer.from(meta.buffer, meta.byteOffset, meta.byteLength);
  return { phase: bytes.readUInt32LE(0), index: bytes.readUInt32LE(4), pushedMs: bytes.readDoubleLE(8) };
}

/** Writes the frame's number at both ends of its picture. */
export function markFrame(picture: Buffer, index: number): void {
  picture.writeUInt32LE(index, 0);
  picture.writeUInt32LE(index, picture.length - 4);
}

/** @throws Error where the bytes are not those of this frame. */
export function checkFrame(payload: Uint8Array, frameBytes: number, index: number): void {
  const picture = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (picture.length !== frameBytes || picture.readUInt32LE(0) !== index || picture.readUInt32LE(frameBytes - 4) !== index)
    throw new Error(`frame ${index} came damaged: ${picture.length} bytes of ${frameBytes}`);
}
