import { readOnnxMetadata } from '#operators/models/onnxMetadata.js';
import fc from 'fast-check';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support.js';
import { onnxFile } from '../yolo/onnxFile.js';

const folder = await temporaryFolder();
const path = join(folder, 'model.onnx');

test('reads the metadata behind the weights', async () => {
  const metadata = { names: "{0: 'Fußgänger'}", task: 'detect', empty: '' };
  await writeFile(path, onnxFile({ output: [1, 5, 84], metadata }));
  expect(Object.fromEntries(await readOnnxMetadata(path))).toEqual(metadata);
});

test('a file that is no model gives nothing, or what could be read, and never an error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(200), async (noise, cut) => {
      const model = onnxFile({ output: [1, 5, 84], metadata: { names: '{}' } });
      await writeFile(path, Buffer.concat([model.subarray(0, model.length - cut), noise]));
      expect(await readOnnxMetadata(path)).toBeInstanceOf(Map);
    }),
    { numRuns: 50 },
  );
});
