import type { PixelFormat } from '../frame.js';

/**
 * Pictures with their times as a live Matroska stream (RFC 9559), which is how ffmpeg gets both through one pipe: one
 * cluster a picture, in milliseconds. Raw pictures are `V_UNCOMPRESSED`, JPEG files `V_MJPEG`.
 */

/** An element: its id, the length of its content, its content. */
function element(id: number, ...content: readonly Buffer[]): Buffer {
  return Buffer.concat([idBytes(id), size(content.reduce((sum, { length }) => sum + length, 0)), ...content]);
}

function idBytes(id: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0));
}

/** Always eight bytes: the first says so. */
function size(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE((1n << 56n) | BigInt(length));
  return bytes;
}

const unknownSize = Buffer.from('01ffffffffffffff', 'hex');

function unsigned(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return element(id, bytes);
}

function text(id: number, value: string): Buffer {
  return element(id, Buffer.from(value, 'latin1'));
}

const fourCc: Readonly<Record<Exclude<PixelFormat, 'jpeg'>, Buffer>> = {
  rgb24: Buffer.from([0x52, 0x47, 0x42, 24]),
  gray8: Buffer.from('Y800', 'latin1'),
};

/** What comes before the first picture. */
export function matroskaHeader({ width, height, format }: { width: number; height: number; format: PixelFormat }): Buffer {
  const ebml = element(0x1a45dfa3, text(0x4282, 'matroska'), unsigned(0x4287, 4), unsigned(0x4285, 2));
  const info = element(0x1549a966, unsigned(0x2ad7b1, 1_000_000), text(0x4d80, 'edgeflow'), text(0x5741, 'edgeflow'));
  const colour = format === 'jpeg' ? [] : [element(0x2eb524, fourCc[format])];
  const video = element(0xe0, unsigned(0xb0, width), unsigned(0xba, height), ...colour);
  const track = element(
    0xae,
    ...[unsigned(0xd7, 1), unsigned(0x73c5, 1), unsigned(0x83, 1), unsigned(0x9c, 0)],
    text(0x86, format === 'jpeg' ? 'V_MJPEG' : 'V_UNCOMPRESSED'),
    video,
  );
  return Buffer.concat([ebml, idBytes(0x18538067), unknownSize, info, element(0x1654ae6b, track)]);
}

/** What comes before the bytes of one picture. */
export function matroskaPictureHeader(timeMs: number, bytes: number): Buffer {
  const block = Buffer.from([0x81, 0, 0, 0x80]);
  const timestamp = unsigned(0xe7, timeMs);
  const blockHeader = Buffer.concat([idBytes(0xa3), size(block.length + bytes), block]);
  return Buffer.concat([idBytes(0x1f43b675), size(timestamp.length + blockHeader.length + bytes), timestamp, blockHeader]);
}
