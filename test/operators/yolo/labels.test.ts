import { classIdsOf, coco80, parseNames, resolveLabels } from '#operators/yolo/labels.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('parseNames', () => {
  test.each([
    ["{0: 'person', 1: 'traffic light'}", ['person', 'traffic light']],
    ["{1: 'b', 0: 'a',}", ['a', 'b']],
    [`{0: "it's", 1: 'a "b"', 2: 'c\\'d', 3: 'x: 1, y'}`, ["it's", 'a "b"', "c'd", 'x: 1, y']],
    ['{"0": "person", "1": "car"}', ['person', 'car']],
    ["['a', 'b']", ['a', 'b']],
    ["{0: ''}", ['']],
  ])('%s', (text, names) => {
    expect(parseNames(text)).toEqual(names);
  });

  test.each([
    '',
    '{}',
    '[]',
    'person',
    "{0: 'a', 2: 'c'}",
    '{0: exit()}',
    "{0: 'a'",
    "{0: 'a'} + {1: 'b'}",
    "{0: 'a' 1: 'b'}",
    "{'a', 'b'}",
  ])('%j is none', (text) => {
    expect(parseNames(text)).toBeUndefined();
  });

  test('reads what JSON writes, and never throws', () => {
    const plain = fc.string({ unit: 'grapheme-ascii', maxLength: 12 });
    fc.assert(
      fc.property(fc.array(plain, { minLength: 1, maxLength: 5 }), (names) => {
        expect(parseNames(JSON.stringify(names))).toEqual(names);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseNames(text);
      }),
    );
  });
});

describe('resolveLabels', () => {
  const sources = { operator: 'detectYolo', model: 'm', classes: 2, labels: undefined, names: undefined };

  test('the given ones win over those of the file, and COCO serves 80 classes', () => {
    const names = "{0: 'a', 1: 'b'}";
    expect(resolveLabels({ ...sources, names })).toEqual(['a', 'b']);
    expect(resolveLabels({ ...sources, names, labels: ['c', 'd'] })).toEqual(['c', 'd']);
    expect(resolveLabels({ ...sources, classes: 80 })).toBe(coco80);
    expect(coco80).toHaveLength(80);
  });

  test.each([
    ['too few', { labels: ['one'] }, /1 labels were given.*2 classes/],
    ['none', {}, /2 classes and no names/],
    ['an end-to-end head without names', { classes: undefined }, /give `labels`/],
  ])('%s', (_, changes, message) => {
    expect(() => resolveLabels({ ...sources, ...changes })).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringMatching(message) as string }),
    );
  });
});

test('an unknown class is an error that names the closest', () => {
  expect(classIdsOf('detectYolo', ['dog', 'person'], coco80)).toEqual([16, 0]);
  expect(() => classIdsOf('detectYolo', ['Pearson'], coco80)).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining("did you mean 'person'?") as string }),
  );
});
