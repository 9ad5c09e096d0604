import { annotate, blurRegions, crop, decodeImage, detectMotion, detectYolo, encodeJpeg } from 'edgeflow/operators';
import { recordVideo, resize, storeBlob, tileFrames } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastValueFrom, of } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './support.js';
import { onnxFile } from './yolo/onnxFile.js';

const directory = await temporaryFolder();
const model = join(directory, 'model.onnx');
await writeFile(model, onnxFile({ output: [1, 300, 6] }));
const frame = (value: Frame): Frame => value;

const operators: [string, () => OperatorFunction<Frame, unknown>][] = [
  ['encodeJpeg', () => encodeJpeg()],
  ['decodeImage', () => decodeImage()],
  ['resize', () => resize({ width: 8 })],
  ['crop', () => crop({ box: [0, 0, 4, 4] })],
  ['blurRegions', () => blurRegions({ frame, boxes: () => [] })],
  ['annotate', () => annotate({ frame })],
  ['detectMotion', () => detectMotion()],
  ['detectYolo', () => detectYolo({ model, labels: ['a'] })],
  ['tileFrames', () => tileFrames({ sources: ['test'] })],
  ['storeBlob', () => storeBlob({ directory })],
  ['storeBlob, raw', () => storeBlob({ directory, format: 'raw' })],
  ['recordVideo', () => recordVideo({ directory })],
];

describe.each([
  ['null', null],
  ['undefined', undefined],
  ['a string', 'frame'],
])('%s in place of a frame is FRAME_INVALID, which says so', (found, value) => {
  const error = { code: 'FRAME_INVALID', message: expect.stringContaining(`${found} in place of a frame`) as string };

  test.each(operators)('%s', async (_, operator) => {
    await expect(lastValueFrom(of(value as unknown as Frame).pipe(operator()))).rejects.toMatchObject(error);
  });
});
