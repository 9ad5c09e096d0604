import fc from 'fast-check';

/** One thing that may happen to stored bytes; numbers are taken modulo what is there. */
type Mutation =
  | { readonly type: 'flip'; readonly at: number; readonly bit: number }
  | { readonly type: 'set'; readonly at: number; readonly byte: number }
  | { readonly type: 'cut'; readonly at: number }
  | { readonly type: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly type: 'length'; readonly at: number; readonly value: number };

const position = fc.nat(1_000_000);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ type: fc.constant('flip' as const), at: position, bit: fc.nat(7) }),
  fc.record({ type: fc.constant('set' as const), at: position, byte: fc.nat(255) }),
  fc.record({ type: fc.constant('cut' as const), at: position }),
  fc.record({ type: fc.constant('insert' as const), at: position, bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }) }),
  fc.record({
    type: fc.constant('length' as const),
    at: position,
    value: fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff),
  }),
);

function mutate(bytes: Buffer, change: Mutation): Buffer {
  const at = change.at % (bytes.length + 1);
  const copy = Buffer.from(bytes);
  switch (change.type) {
    case 'cut':
      return copy.subarray(0, at);
    case 'insert':
      return Buffer.concat([copy.subarray(0, at), change.bytes, copy.subarray(at)]);
    case 'length':
      if (at + 4 <= copy.length) copy.writeUInt32LE(change.value, at);
      return copy;
    default:
      if (at < copy.length) copy[at] = change.type === 'set' ? change.byte : (copy[at] ?? 0) ^ (1 << change.bit);
      return copy;
  }
}

/** Bytes that were valid, after one to four accidents. */
export function damaged(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(valid, fc.array(mutation, { minLength: 1, maxLength: 4 }))
    .map(([bytes, changes]) => changes.reduce(mutate, Buffer.from(bytes)));
}
