import { decode } from '#operators/yolo/decode.js';
import type { Candidate } from '#operators/yolo/decode.js';
import { headOfShape, inputStyleOf, recogniseHead } from '#operators/yolo/heads.js';
import type { Head } from '#operators/yolo/heads.js';
import { letterboxGeometry, toSource } from '#operators/yolo/letterboxGeometry.js';
import { nms } from '#operators/yolo/nms.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode } from './encode.js';
import type { Truth } from './encode.js';

/** 64x64 at strides 8, 16, 32: 64 + 16 + 4 cells. */
const input = { width: 64, height: 64 };
const anchors = 84;

function headOf(dims: readonly number[], size = input): Head {
  return recogniseHead([{ name: 'output', dims }], size).head;
}

function round(candidates: readonly Candidate[]): unknown[] {
  return candidates.map(({ box, score, classId }) => [
    ...box.map((v) => Math.round(v * 100) / 100),
    Math.round(score * 1000) / 1000,
    classId,
  ]);
}

describe('the shape tells the head', () => {
  test.each([
    ['YOLOX-Nano', [1, 3549, 85], { width: 416, height: 416 }, 'yolox', 80],
    ['YOLOX, not square', [1, 21 * 20 * 15, 7], { width: 640, height: 480 }, 'yolox', 2],
    ['YOLOX of one class', [1, 84, 6], input, 'yolox', 1],
    ['YOLOX with four levels', [1, 1600 + 400 + 100 + 25, 85], { width: 320, height: 320 }, 'yolox', 80],
    ['YOLOv5s', [1, 25_200, 85], { width: 640, height: 640 }, 'yolov5', 80],
    ['YOLOv5 of one class', [1, 252, 6], input, 'yolov5', 1],
    ['YOLOv8n', [1, 84, 8400], { width: 640, height: 640 }, 'yolov8', 80],
    ['YOLO11 of one class', [1, 5, 8400], { width: 640, height: 640 }, 'yolov8', 1],
    ['YOLOv8, not square', [1, 9, 21 * 12 * 20], { width: 640, height: 384 }, 'yolov8', 5],
    ['YOLOv8 with as many rows as anchors', [1, 84, 84], input, 'yolox', 79],
    ['YOLOv8-like with one level', [1, 8, 24 * 40], { width: 320, height: 192 }, 'yolov8', 4],
    ['YOLOv10', [1, 300, 6], { width: 640, height: 640 }, 'endToEnd', undefined],
    ['end-to-end with another count', [1, 100, 6], input, 'endToEnd', undefined],
  ] as const)('%s', (_, dims, size, kind, classes) => {
    expect(headOf(dims, size)).toMatchObject({ kind, classes });
  });

  test('among several outputs the one that is a head is read', () => {
    const outputs = [
      { name: 'features', dims: [1, 255, 8, 8] },
      { name: 'boxes', dims: [1, 84, 85] },
    ];
    expect(recogniseHead(outputs, input)).toMatchObject({ output: 'boxes', head: { kind: 'yolox' } });
  });

  test.each([[[1, 1000]], [[1, 32, 160, 160]], [[2, 84, 85]], [[1, 83, 87]], [[1, 4, 84]], [[]]])('%j is foreign', (dims) => {
    expect(headOfShape(dims, input)).toBeUndefined();
  });

  test('a foreign shape is an error that names it and what is expected', () => {
    expect(() => headOf([1, 1000])).toThrow(
      expect.objectContaining({
        code: 'MODEL_INVALID',
        message: expect.stringMatching(
          /'output' \[1, 1000\].*64x64.*\[1, 84, 5\+classes\].*\[1, 252, 5\+classes\].*\[1, 4\+classes, 84\]/,
        ) as string,
      }),
    );
  });
});

describe('decoding', () => {
  const side = fc.integer({ min: 2, max: 10 }).map((n) => n * 32);
  const truth = fc.record({
    at: fc.tuple(fc.double({ min: 0, max: 0.7, noNaN: true }), fc.double({ min: 0, max: 0.7, noNaN: true })),
    size: fc.tuple(fc.double({ min: 0.05, max: 0.3, noNaN: true }), fc.double({ min: 0.05, max: 0.3, noNaN: true })),
    classId: fc.nat(2),
    anchor: fc.nat(),
  });

  test.each(['yolox', 'yolov5', 'yolov8', 'endToEnd'] as const)('%s: objects come back from what a model would give for them', (kind) => {
    fc.assert(
      fc.property(
        fc.record({ width: fc.integer({ min: 40, max: 2000 }), height: fc.integer({ min: 40, max: 2000 }) }),
        fc.record({ width: side, height: side }),
        fc.uniqueArray(truth, { maxLength: 6, selector: ({ anchor }) => anchor % 60 }),
        (source, size, drawn) => {
          const cells = [8, 16, 32].reduce((sum, stride) => sum + (size.width / stride) * (size.height / stride), 0);
          const dims = { yolox: [1, cells, 8], yolov5: [1, 3 * cells, 8], yolov8: [1, 7, cells], endToEnd: [1, 60, 6] }[kind];
          const head = headOf(dims, size);
          const truths = drawn.map(({ at: [x, y], size: [w, h], classId, anchor }, i): Truth => {
            const box = [x * source.width, y * source.height, (x + w) * source.width, (y + h) * source.height] as const;
            // All over the grid, and no two at the same place.
            return { box, classId, score: 0.9 - i * 0.05, anchor: (anchor % 60) + 60 * Math.floor((head.anchors / 60 - 1) * x) };
          });
          const values = encode(truths, head, 3, source, size);
          const geometry = letterboxGeometry(source, size, inputStyleOf(head));
          const found = nms(decode(values, head, size, 0.5), 1, 100).map((each) => ({ ...each, box: toSource(each.box, geometry) }));
          expect(found.map(({ classId, anchor }) => [classId, anchor])).toEqual(truths.map(({ classId, anchor }) => [classId, anchor]));
          // To a pixel of the input, by which the picture's place in it is rounded.
          const pixel = Math.max(source.width / size.width, source.height / size.height);
          for (const [i, { box, score }] of found.entries()) {
            expect(score).toBeCloseTo(truths[i]?.score ?? NaN, 5);
            for (const [j, value] of box.entries()) expect(Math.abs(value - (truths[i]?.box[j] ?? NaN))).toBeLessThan(1.01 * pixel);
          }
        },
      ),
    );
  });

  test('YOLOX: relative to the cell, size as a logarithm, objectness times class', () => {
    const values = new Float32Array(anchors * 7);
    const cell = 64 + 4 * 1 + 2; // stride 16, column 2, row 1
    values.set([0.5, 0.25, Math.log(2), Math.log(1), 0.9, 0.1, 0.8], cell * 7);
    expect(round(decode(values, headOf([1, anchors, 7]), input, 0.5))).toEqual([[24, 12, 56, 28, 0.72, 1]]);
  });

  test('YOLOv5: in pixels, objectness times class', () => {
    const values = new Float32Array(3 * anchors * 7);
    values.set([30, 20, 10, 8, 0.9, 0.8, 0.1], 100 * 7);
    expect(round(decode(values, headOf([1, 3 * anchors, 7]), input, 0.5))).toEqual([[25, 16, 35, 24, 0.72, 0]]);
  });

  test('YOLOv8 and YOLO11: transposed, no objectness', () => {
    const values = new Float32Array(7 * anchors);
    [30, 20, 10, 8, 0.1, 0.2, 0.7].forEach((value, row) => {
      values[row * anchors + 83] = value;
    });
    expect(round(decode(values, headOf([1, 7, anchors]), input, 0.5))).toEqual([[25, 16, 35, 24, 0.7, 2]]);
  });

  test('end-to-end: corners, score, class; empty rows are left out', () => {
    const values = new Float32Array(300 * 6);
    values.set([1, 2, 30, 40, 0.6, 17], 6);
    const head = headOf([1, 300, 6]);
    expect(round(decode(values, head, input, 0.5))).toEqual([[1, 2, 30, 40, 0.6, 17]]);
    expect(decode(values, head, input, 0)).toHaveLength(1);
    // Some models give as many rows as there are boxes.
    expect(decode(values.subarray(0, 12), head, input, 0.5)).toHaveLength(1);
    expect(decode(values.subarray(0, 0), head, input, 0.5)).toEqual([]);
  });

  test.each([
    ['yolox', [1, anchors, 7]],
    ['yolov5', [1, 3 * anchors, 7]],
    ['yolov8', [1, 7, anchors]],
    ['endToEnd', [1, 300, 6]],
  ] as const)('%s: values that are not numbers are an error, and find nothing in silence', (_, dims) => {
    const values = new Float32Array(dims[1] * dims[2]).fill(NaN);
    for (const threshold of [0, 0.5])
      expect(() => decode(values, headOf(dims), input, threshold)).toThrow(
        expect.objectContaining({ code: 'INFERENCE_FAILED', message: expect.stringMatching(/not finite.*for \d+ of \d+ boxes/) as string }),
      );
  });

  test('YOLOX: a size whose exponential overflows is an error where its score counts, and none where not', () => {
    const values = new Float32Array(anchors * 7);
    values.set([0, 0, 800, 800, 0.9, 0.9, 0], 7);
    expect(() => decode(values, headOf([1, anchors, 7]), input, 0.5)).toThrow('1 of 84 boxes');
    expect(decode(values, headOf([1, anchors, 7]), input, 0.9)).toEqual([]);
  });
});
