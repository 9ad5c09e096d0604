/** A copy of bytes, of which the first has another lowest bit. */
export function turnBit(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(0) ^ 1, 0);
  return copy;
}
