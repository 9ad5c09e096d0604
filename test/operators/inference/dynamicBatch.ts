/** The same model for any number of pictures: the first side of its input and output, and of the shapes within, is left open. */
export function withDynamicBatch(model: Buffer): Buffer {
  const patched = Buffer.from(model);
  const one = Buffer.from([0x0a, 2, 0x08, 1]);
  for (const name of ['images', 'output']) {
    const info = patched.indexOf(Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name), Buffer.from([0x12])]));
    patched.set([0x12, 0], patched.indexOf(one, info) + 2);
  }
  // Reshape to [1, 85, -1]; 0 takes the number that is there.
  const shape = Buffer.alloc(24);
  for (const [i, side] of [1n, 85n, -1n].entries()) shape.writeBigInt64LE(side, i * 8);
  for (let at = patched.indexOf(shape); at >= 0; at = patched.indexOf(shape, at)) patched[at] = 0;
  return patched;
}
