import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PayloadMemory } from '#src/brokers/redis/payloadMemory.js';
import { ReplyReader } from '#src/brokers/redis/replyReader.js';

/** Larger ones come whole. */
const areaBytes = 64 * 1024;

function bulk(bytes: number): Buffer {
  return Buffer.concat([Buffer.from(`$${bytes}\r\n`), Buffer.alloc(bytes, 'a\r\n$5\r\n'), Buffer.from('\r\n')]);
}

/** Reads a stream of replies that comes in parts of the sizes that `part` tells. */
function read(stream: Buffer, part: (at: number) => number): { given: Buffer[]; failed: string | undefined } {
  const given: Buffer[] = [];
  let failed: string | undefined;
  const reader = new ReplyReader(
    new PayloadMemory(),
    (bytes) => given.push(bytes),
    (error) => (failed = error.message),
  );
  for (let at = 0; at < stream.length && failed === undefined;) {
    const room = reader.buffer();
    const count = stream.copy(room, 0, at, Math.min(at + Math.max(1, part(at)), at + room.length));
    reader.callback(count);
    at += count;
  }
  return { given, failed };
}

const replies = [
  Buffer.from('+OK\r\n'),
  Buffer.from(':-12\r\n'),
  Buffer.from('-ERR no $7 of these\r\n'),
  Buffer.from('$-1\r\n'),
  Buffer.from('_\r\n'),
  Buffer.from('*2\r\n$3\r\nabc\r\n*1\r\n:7\r\n'),
  Buffer.from('%1\r\n+key\r\n$5\r\nvalue\r\n'),
  bulk(0),
  bulk(1),
  bulk(300),
];

describe('the replies of a Redis', () => {
  test('cut in two at every byte, are the same', () => {
    const stream = Buffer.concat(replies);
    for (let cut = 0; cut <= stream.length; cut++) {
      const { given } = read(stream, (at) => (at < cut ? cut - at : stream.length));
      expect(Buffer.concat(given).equals(stream)).toBe(true);
    }
    expect(Buffer.concat(read(stream, () => 1).given).equals(stream)).toBe(true);
  });

  test('a large string, cut in two around its line and its end, comes as one, and aligned', () => {
    const [before, large, after] = [Buffer.from(':1\r\n+OK\r\n'), bulk(100_000), Buffer.from('$2\r\nok\r\n')];
    const stream = Buffer.concat([before, large, after]);
    const end = before.length + large.length;
    const cuts = [...Array(before.length + 20).keys(), ...Array.from({ length: 12 }, (_, i) => end - 6 + i)];
    for (const cut of cuts) {
      const { given } = read(stream, (at) => (at < cut ? cut - at : stream.length));
      expect(Buffer.concat(given).equals(stream)).toBe(true);
      const whole = given.find((bytes) => bytes.equals(large));
      expect((whole?.byteOffset ?? 0) + '$100000\r\n'.length).toBe(64);
    }
  });

  test('are the same, however they come', () => {
    const edges = fc.integer({ min: areaBytes - 20, max: areaBytes + 20 }).map(bulk);
    const lists = fc.array(fc.oneof(fc.constantFrom(...replies), edges), { maxLength: 12 });
    const parts = fc.array(fc.integer({ min: 1, max: 2 * areaBytes }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(lists, parts, (list, sizes) => {
        const stream = Buffer.concat(list);
        let turn = 0;
        const { given, failed } = read(stream, () => sizes[turn++ % sizes.length] ?? 1);
        expect(failed).toBe(undefined);
        expect(Buffer.concat(given).equals(stream)).toBe(true);
        for (const large of list.filter(({ length }) => length > areaBytes)) expect(given.some((bytes) => bytes.equals(large))).toBe(true);
      }),
    );
  });

  test('what no Redis sends is refused before memory is taken for it', () => {
    expect(read(Buffer.from('$99999999999\r\n'), () => 99).failed).toContain('99999999999');
    expect(read(Buffer.from('$many\r\n'), () => 99).failed).toContain('NaN');
    expect(read(Buffer.alloc(2 * areaBytes, 'x'), () => 9_999).failed).toContain('a line');
  });
});

describe('memory', () => {
  test('is used again for payloads of about its size, once it was given back', () => {
    const memory = new PayloadMemory();
    const first = memory.take(100_000, 9);
    const second = memory.take(100_000, 9);
    expect(second.buffer).not.toBe(first.buffer);
    memory.giveBack(first.subarray(9, 50_000));
    memory.giveBack(first);
    expect(memory.take(50_000, 9).buffer).not.toBe(first.buffer);
    expect(memory.take(99_000, 8).buffer).toBe(first.buffer);
    expect(memory.take(99_000, 8).buffer).not.toBe(first.buffer);
    const foreign = Buffer.alloc(100_000);
    memory.giveBack(foreign);
    expect(memory.take(100_000, 0).buffer).not.toBe(foreign.buffer);
  });

  test('is kept for so many bytes only', () => {
    const memory = new PayloadMemory();
    const taken = Array.from({ length: 5 }, () => memory.take(10_000_000, 9));
    for (const bytes of taken) memory.giveBack(bytes);
    const again = new Set(Array.from({ length: 5 }, () => memory.take(10_000_000, 9).buffer));
    expect(taken.filter(({ buffer }) => again.has(buffer)).length).toBe(3);
  });
});
