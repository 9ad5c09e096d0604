/** What travels with each frame. */
export interface Stamp {
  readonly phase: number;
  readonly index: number;
  /** Whether it is the last one of its phase. */
  readonly last: boolean;
  /** When it was handed to the sender, by `clockMs`. */
  readonly pushedMs: number;
}

/** As `frames.py` reads and writes it, too. */
export const stampBytes = 20;

export function writeStamp({ phase, index, last, pushedMs }: Stamp, bytes = Buffer.allocUnsafe(stampBytes), at = 0): Buffer {
  bytes.writeUInt32LE(phase, at);
  bytes.writeUInt32LE(index, at + 4);
  bytes.writeUInt32LE(last ? 1 : 0, at + 8);
  bytes.writeDoubleLE(pushedMs, at + 12);
  return bytes;
}

export function readStamp(meta: Uint8Array): Stamp {
  const bytes = bufferOf(meta);
  return {
    phase: bytes.readUInt32LE(0),
    index: bytes.readUInt32LE(4),
    last: bytes.readUInt32LE(8) === 1,
    pushedMs: bytes.readDoubleLE(12),
  };
}

/** Writes the frame's number at both ends of its picture. */
export function markFrame(picture: Buffer, index: number): void {
  picture.writeUInt32LE(index, 0);
  picture.writeUInt32LE(index, picture.length - 4);
}

/** @throws Error where the bytes are not those of this frame. */
export function checkFrame(payload: Uint8Array, frameBytes: number, index: number): void {
  const picture = bufferOf(payload);
  if (picture.length !== frameBytes || picture.readUInt32LE(0) !== index || picture.readUInt32LE(frameBytes - 4) !== index)
    throw new Error(`frame ${index} came damaged: ${picture.length} bytes of ${frameBytes}`);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
