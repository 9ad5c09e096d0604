import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { checksum, isIntact, noChecksum } from '#src/brokers/checksum.js';

const meta = Buffer.from('meta');

test('the checksum is that of meta and payload, also where one is empty', () => {
  // CRC-32 of '123456789' is the check value of the standard.
  expect(checksum({ meta: Buffer.from('1234'), payload: Buffer.from('56789') })).toBe(0xcbf43926);
  expect(checksum({ meta: new Uint8Array(0), payload: Buffer.from('123456789') })).toBe(0xcbf43926);
  const empty = new Uint8Array(0);
  const before = checksum({ meta, payload: empty });
  // Asking for its buffer moves an empty array to a null pointer.
  expect(empty.buffer.byteLength).toBe(0);
  expect(checksum({ meta, payload: empty })).toBe(before);
  expect(checksum({ meta, payload: Buffer.from('x').subarray(1) })).toBe(before);
});

test('short and long messages have the same kind of checksum', () => {
  for (const length of [1, 16_383, 16_384, 100_000]) {
    const payload = Buffer.alloc(length, 'edge');
    expect(checksum({ meta, payload }), `${length} bytes`).toBe(crc32(Buffer.concat([meta, payload])));
  }
});

test('bytes that differ are found, and where no checksum was taken nothing is', () => {
  const published = checksum({ meta, payload: Buffer.from('payload') });
  expect(isIntact({ meta, payload: Buffer.from('payload') }, published)).toBe(true);
  expect(isIntact({ meta, payload: Buffer.from('paxload') }, published)).toBe(false);
  expect(isIntact({ meta, payload: Buffer.from('paxload') }, noChecksum)).toBe(true);
});
