import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeValue, encodeValue, maxMetaBytes, traceparentOf } from '#src/codec.js';
import { forbiddenKeys, maxDepth } from '#src/plainData.js';
import { damaged } from './support/mutations.js';
import { plainOrCorrupt } from './support/plainOrCorrupt.js';

const nothing = new Uint8Array(0);
const bytes = (...parts: (number | string | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part].flat()))));
const decode = (meta: Uint8Array): unknown => decodeValue({ meta, payload: nothing });

const key = fc.string({ unit: 'binary' }).filter((text) => !forbiddenKeys.has(text));

/** All that may be published; -0 is left out, which arrives as 0. */
const { value: plainValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double().map((number) => number + 0),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    fc.constantFrom(true, false, null, undefined),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(key, tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
}));

/** With all byte arrays of one class. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, comparable(part)]));
}

/** Plain data and nothing else, no prototype but the usual, within the limits. */
function expectPlain(value: unknown, depthLeft = maxDepth): void {
  if (value instanceof Uint8Array) return;
  expect(['string', 'number', 'boolean', 'bigint', 'undefined', 'object']).toContain(typeof value);
  if (typeof value !== 'object' || value === null) return;
  expect(depthLeft).toBeGreaterThan(0);
  expect([Object.prototype, Array.prototype]).toContain(Object.getPrototypeOf(value));
  for (const name of Object.keys(value)) if (forbiddenKeys.has(name)) throw new Error(`key '${name}' survived`);
  for (const part of Object.values(value)) expectPlain(part, depthLeft - 1);
}

function expectPlainOrCorrupt(meta: Uint8Array): void {
  plainOrCorrupt(
    () => decode(meta),
    (value) => {
      expectPlain(value);
    },
  );
}

describe('what is published arrives', () => {
  test('any plain value', () => {
    fc.assert(
      fc.property(plainValue, (value) => {
        const { meta, payload } = encodeValue(value);
        expect(comparable(decodeValue({ meta, payload }))).toEqual(comparable(value));
      }),
      { numRuns: 2_000 },
    );
  });

  test('the largest byte array is not copied', () => {
    const data = new Uint8Array(100);
    const { meta, payload } = encodeValue({ mask: new Uint8Array(99), data, width: 10 });
    expect(payload).toBe(data);
    expect(decodeValue({ meta, payload })).toMatchObject({ data, width: 10 });
  });

  test('an object of a class, as its own properties', () => {
    class Point {
      readonly x = 1;
      readonly y = 2;
    }
    const { meta, payload } = encodeValue(new Point());
    expect(decodeValue({ meta, payload })).toEqual({ x: 1, y: 2 });
  });

  test('lists and objects as deep in each other as the limit says', () => {
    const { meta } = encodeValue(nested(maxDepth));
    expect(decode(meta)).toEqual(nested(maxDepth));
  });
});

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
}

describe('what would not arrive as it is sent is refused: VALUE_INVALID', () => {
  const circle: unknown[] = [];
  circle.push(circle);
  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a Date', new Date(0)],
    ['a Map', new Map([['a', 1]])],
    ['a Set', new Set([1])],
    ['an Error', new Error('e')],
    ['a RegExp', /a/],
    ['a typed array that is not of bytes', new Float32Array(2)],
    ['an ArrayBuffer', new ArrayBuffer(2)],
    ['a DataView', new DataView(new ArrayBuffer(2))],
    ['a Promise', Promise.resolve()],
    ['what turns itself into JSON', new URL('http://localhost')],
    ['a BigInt of more than 64 bits', 2n ** 64n],
    ['a circle', circle],
    ['lists too deep in each other', nested(maxDepth + 1)],
    ['lists far too deep in each other', nested(100_000)],
    ...[...forbiddenKeys].map((name): [string, unknown] => [`a property ${name}`, JSON.parse(`{"${name}": 1}`)]),
    ['a payload named __proto__', Object.fromEntries([['__proto__', new Uint8Array(2)]])],
  ])('%s', (_, value) => {
    for (const sent of [value, [value], { inside: { of: value } }])
      expect(() => encodeValue(sent)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }));
  });

  test('and the codec works on', () => {
    const { meta } = encodeValue({ a: 1 });
    expect(decode(meta)).toEqual({ a: 1 });
  });
});

describe('bytes of others give plain data or MESSAGE_CORRUPT', () => {
  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64, size: 'max' }), fc.boolean(), (rest, framed) => {
        expectPlainOrCorrupt(framed ? bytes([0x92, 0], [...rest]) : rest);
      }),
      { numRuns: 5_000 },
    );
  });

  test('any sequence of well-formed pieces', () => {
    const piece = fc.oneof(
      fc.nat(255).map((token) => [token]),
      fc.constantFrom([0x91], [0x92], [0x81], [0x82], [0x01], [0xc0], [0xa1, 0x61], [0xd4, 0, 0], [0xdc, 0, 2], [0xde, 0, 1], [0xc4, 1, 7]),
      fc.constantFrom(...forbiddenKeys).map((name) => [0xa0 + name.length, ...Buffer.from(name)]),
      // Extension types that msgpackr knows.
      fc
        .tuple(
          fc.constantFrom(0xd4, 0xd5, 0xd6, 0xd7, 0xd8),
          fc.constantFrom(0, 0x42, 0x62, 0x65, 0x69, 0x70, 0x72, 0x73, 0x74, 0x78, 0xff),
        )
        .map((head) => [...head, 0]),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40, size: 'max' }), (pieces) => {
        expectPlainOrCorrupt(bytes([0x92, 0], pieces.flat()));
      }),
      { numRuns: 5_000 },
    );
  });

  test('valid bytes, damaged', () => {
    fc.assert(fc.property(damaged(plainValue.map((value) => encodeValue(value).meta)), expectPlainOrCorrupt), { numRuns: 3_000 });
  });

  test.each<[string, Uint8Array]>([
    ['nothing', bytes()],
    ['a list that claims four billion items', bytes([0x92, 0, 0xdd, 0xff, 0xff, 0xff, 0xff])],
    [
      'many lists that each claim all the rest',
      bytes([0x92, 0], Array<number[]>(60).fill([0xdc, 0x01, 0x00]).flat(), Array<number>(256).fill(0)),
    ],
    ['an object that claims four billion', bytes([0x92, 0, 0xdf, 0xff, 0xff, 0xff, 0xff])],
    ['text that claims four gigabytes', bytes([0x92, 0, 0xdb, 0xff, 0xff, 0xff, 0xff])],
    ['bytes that claim four gigabytes', bytes([0x92, 0, 0xc6, 0xff, 0xff, 0xff, 0xff])],
    ['an extension that claims four gigabytes', bytes([0x92, 0, 0xc9, 0xff, 0xff, 0xff, 0xff, 0x74])],
    ['lists too deep in each other', bytes([0x92, 0], Array<number>(maxDepth + 1).fill(0x91), 1)],
    ['a megabyte of lists in each other', bytes([0x92, 0], Array<number>(maxMetaBytes - 3).fill(0x91), 1)],
    [
      'objects too deep in each other',
      bytes(
        [0x92, 0],
        Array<number[]>(maxDepth + 1)
          .fill([0x81, 0xa1, 0x61])
          .flat(),
        1,
      ),
    ],
    ['more than the limit', bytes([0x92, 0, 0xc6, 0, 0x10, 0, 0], Array<number>(maxMetaBytes).fill(0))],
    ['a Date', bytes([0x92, 0, 0xd6, 0xff, 0, 0, 0, 0])],
    ['a Set', bytes([0x92, 0, 0xd4, 0x73, 0, 0x91, 1])],
    ['an Error', bytes([0x92, 0, 0xd4, 0x65, 0, 0x92, 0xa1], 'E', [0xa1], 'm')],
    ['a RegExp', bytes([0x92, 0, 0xd4, 0x78, 0, 0x92, 0xa1], 'a', [0xa1], 'g')],
    ['a typed array', bytes([0x92, 0, 0xc7, 5, 0x74, 4, 1, 2, 3, 4])],
    ['a large integer', bytes([0x92, 0, 0xc7, 9, 0x42, 1, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['a record definition', bytes([0x92, 0, 0xd4, 0x72, 0x40, 0x91, 0xa1], 'a', 1)],
    ['bundled strings', bytes([0x92, 0, 0xd6, 0x62, 0, 0, 0, 4, 0xa1], 'a', [0xa1], 'a')],
    ['a reference', bytes([0x92, 0, 0xd6, 0x70, 0, 0, 0, 1])],
    ['an unassigned token', bytes([0x92, 0, 0xc1])],
    ['a key that is a number', bytes([0x92, 0, 0x81, 1, 1])],
    ['a key that is a list', bytes([0x92, 0, 0x81, 0x91, 1, 1])],
    ['a key with a letter in a lengthy spelling', bytes([0x92, 0, 0x81, 0xac, 0xc1, 0xa3], 'onstructor', 1)],
    ['something behind the end', bytes([0x92, 0, 1, 1])],
    ['another form', bytes([0x92, 7, 1])],
    ['a form with too much in it', bytes([0x93, 0, 1, 1])],
    ['a payload in a list', bytes([0x93, 2, 0x91, 1, 0xa1], 'a')],
    ['a payload in bytes', bytes([0x93, 2, 0xc4, 1, 7, 0xa1], 'a')],
    ['not a list', bytes([0x81, 0xa1], 'a', 1)],
    ...[...forbiddenKeys].flatMap((name): [string, Uint8Array][] => [
      [`a key ${name}`, bytes([0x92, 0, 0x81, 0xa0 + name.length], name, [0x81, 0xa1], 'a', 1)],
      [`a key ${name} in another form`, bytes([0x92, 0, 0x81, 0xd9, name.length], name, 1)],
      [`a key ${name} deep inside`, bytes([0x92, 0, 0x91, 0x81, 0xa1], 'a', [0x81, 0xda, 0, name.length], name, 1)],
      [`a payload named ${name}`, bytes([0x93, 2, 0x80, 0xa0 + name.length], name)],
    ]),
  ])('%s', (_, meta) => {
    expect(() => decode(meta)).toThrow(expect.objectContaining({ code: 'MESSAGE_CORRUPT' }));
  });

  test('prototypes are as they were', () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(Object.keys(Array.prototype)).toEqual([]);
  });
});

test('a trace context travels with a value of any form, and is no part of it', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  for (const value of ['text', undefined, new Uint8Array([1, 2]), { a: 1 }, { a: 1, data: new Uint8Array([3]) }]) {
    const traced = encodeValue(value, traceparent);
    expect(decodeValue(traced)).toEqual(value);
    expect([traceparentOf(traced.meta), traceparentOf(encodeValue(value).meta)]).toEqual([traceparent, undefined]);
  }
});
