import fc from 'fast-check';
import { Redis } from 'ioredis';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { encodeCommand } from '#src/brokers/redis/encode.js';

const word = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double({ noInteger: true }),
  fc.maxSafeInteger(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

describe('encodeCommand', () => {
  it('gives the bytes that ioredis gives', () => {
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const expected = new Redis.Command('EVALSHA', words).toWritable(new Duplex());
        expect(Buffer.from(encodeCommand(['EVALSHA', ...words]))).toEqual(Buffer.from(expected));
      }),
    );
  });
});
