import { Letterbox } from '#operators/yolo/letterbox.js';
import { letterboxGeometry, toSource } from '#operators/yolo/letterboxGeometry.js';
import type { InputStyle } from '#operators/yolo/letterboxGeometry.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const side = fc.integer({ min: 1, max: 4000 });
const size = fc.record({ width: side, height: side });
const inputSide = fc.integer({ min: 1, max: 40 }).map((n) => n * 32);
const inputSize = fc.record({ width: inputSide, height: inputSide });
const style = fc.constantFrom<InputStyle>('yolox', 'ultralytics');
const part = fc.double({ min: 0, max: 1, noNaN: true });

describe('letterboxGeometry', () => {
  test('a box put into the input comes back to where it was', () => {
    fc.assert(
      fc.property(size, inputSize, style, part, part, part, part, (source, input, family, a, b, c, d) => {
        const geometry = letterboxGeometry(source, input, family);
        const { scaleX, scaleY, offsetX, offsetY } = geometry;
        const box = [
          Math.min(a, b) * source.width,
          Math.min(c, d) * source.height,
          Math.max(a, b) * source.width,
          Math.max(c, d) * source.height,
        ] as const;
        const inside = [
          box[0] * scaleX + offsetX,
          box[1] * scaleY + offsetY,
          box[2] * scaleX + offsetX,
          box[3] * scaleY + offsetY,
        ] as const;
        const back = toSource(inside, geometry);
        for (const [i, value] of back.entries()) expect(value).toBeCloseTo(box[i] ?? NaN, 6);
      }),
    );
  });

  test('the picture lies within the input, touches it along one axis, and is not distorted by more than a pixel', () => {
    fc.assert(
      fc.property(size, inputSize, style, (source, input, family) => {
        const { scaled, offsetX, offsetY } = letterboxGeometry(source, input, family);
        expect(offsetX).toBeGreaterThanOrEqual(0);
        expect(offsetY).toBeGreaterThanOrEqual(0);
        expect(offsetX + scaled.width).toBeLessThanOrEqual(input.width);
        expect(offsetY + scaled.height).toBeLessThanOrEqual(input.height);
        expect(scaled.width === input.width || scaled.height === input.height).toBe(true);
        const scale = Math.min(input.width / source.width, input.height / source.height);
        expect(Math.abs(scaled.width - source.width * scale)).toBeLessThanOrEqual(1);
        expect(Math.abs(scaled.height - source.height * scale)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('boxes are clipped to the picture', () => {
    const geometry = letterboxGeometry({ width: 100, height: 50 }, { width: 64, height: 64 }, 'ultralytics');
    expect(toSource([-10, -10, 1000, 1000], geometry)).toEqual([0, 0, 100, 50]);
  });
});

describe('Letterbox', () => {
  const planes = (box: Letterbox): number[][] => {
    const plane = box.input.width * box.input.height;
    return [0, 1, 2].map((c) => [...box.tensor.subarray(c * plane, (c + 1) * plane)].map((value) => Math.round(value * 1000) / 1000));
  };

  test('YOLOX: BGR from 0 to 255, top left, bars of 114', () => {
    const box = new Letterbox({ width: 2, height: 3 }, 'yolox');
    box.fill(Uint8Array.of(10, 20, 30, 40, 50, 60), { width: 2, height: 1 }, 3);
    expect(planes(box)).toEqual([
      [30, 60, 114, 114, 114, 114],
      [20, 50, 114, 114, 114, 114],
      [10, 40, 114, 114, 114, 114],
    ]);
  });

  test('Ultralytics: RGB from 0 to 1, in the middle, bars of 114/255', () => {
    const box = new Letterbox({ width: 2, height: 3 }, 'ultralytics');
    box.fill(Uint8Array.of(0, 51, 102, 255, 204, 153), { width: 2, height: 1 }, 3);
    expect(planes(box)).toEqual([
      [0.447, 0.447, 0, 1, 0.447, 0.447],
      [0.447, 0.447, 0.2, 0.8, 0.447, 0.447],
      [0.447, 0.447, 0.4, 0.6, 0.447, 0.447],
    ]);
  });

  test('halving takes the mean of four pixels', () => {
    const box = new Letterbox({ width: 1, height: 1 }, 'yolox');
    box.fill(Uint8Array.of(0, 10, 20, 40), { width: 2, height: 2 }, 1);
    expect(planes(box)).toEqual([[17.5], [17.5], [17.5]]);
  });

  test('gray8 gives the same tensor as the rgb24 picture of it', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 40 })
          .chain((width) => fc.record({ width: fc.constant(width), gray: fc.uint8Array({ minLength: width, maxLength: width * 7 }) })),
        style,
        ({ width, gray }, family) => {
          const height = Math.floor(gray.length / width);
          const asGray = new Letterbox({ width: 32, height: 16 }, family);
          const asRgb = new Letterbox({ width: 32, height: 16 }, family);
          asGray.fill(gray, { width, height }, 1);
          asRgb.fill(
            Uint8Array.from({ length: width * height * 3 }, (_, i) => gray[Math.floor(i / 3)] ?? 0),
            { width, height },
            3,
          );
          for (const [i, value] of asRgb.tensor.entries()) expect(Math.abs(value - (asGray.tensor[i] ?? NaN))).toBeLessThan(1e-3);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a picture of another size leaves nothing of the one before', () => {
    const used = new Letterbox({ width: 32, height: 32 }, 'ultralytics');
    const fresh = new Letterbox({ width: 32, height: 32 }, 'ultralytics');
    used.fill(new Uint8Array(64 * 64 * 3).fill(200), { width: 64, height: 64 }, 3);
    const wide = { pixels: new Uint8Array(64 * 16 * 3).fill(9), size: { width: 64, height: 16 } };
    used.fill(wide.pixels, wide.size, 3);
    fresh.fill(wide.pixels, wide.size, 3);
    expect(used.tensor).toEqual(fresh.tensor);
  });
});
