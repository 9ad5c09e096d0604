import { annotate, classify, crop, decodeImage, detectYolo, encodeJpeg, resize } from 'edgeflow/operators';
import type { Box, Frame, MarkedBox } from 'edgeflow/operators';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { from, lastValueFrom, map, of, toArray } from 'rxjs';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { direction, findText, readText } from '../operators/textModels.js';

/**
 * Draws docs/pictures/models.jpg: what models find in two photographs, and the parts that they found. From the root of the repository:
 *
 *     node --import ./test/support/typescript.mjs test/docs/modelsPicture.ts ../shared docs/pictures/models.jpg
 */
const [shared = '', target = ''] = process.argv.slice(2);
if (target === '') throw new Error('expected the folder of shared material and the path of the picture');

/** A picture, and what is said of parts of it. */
interface Seen {
  readonly frame: Frame;
  readonly boxes: readonly MarkedBox[];
}

const high = 342;
const partHigh = 124;
const gap = 4;

async function photograph(name: string, width: number): Promise<Frame> {
  const still = of(await readFile(join(shared, 'media', name)));
  return lastValueFrom(still.pipe(decodeImage(), resize({ width, height: high })));
}

async function objectsOf(frame: Frame): Promise<Seen> {
  const { objects } = await lastValueFrom(
    of(frame).pipe(detectYolo({ model: join(shared, 'models/yolox_nano.onnx'), scoreThreshold: 0.5 })),
  );
  return { frame, boxes: objects };
}

async function linesOf(frame: Frame): Promise<Seen> {
  const lines = await lastValueFrom(of(frame).pipe(findText));
  const texts = await lastValueFrom(
    from(lines.found).pipe(
      map(({ box }) => ({ frame, box })),
      readText(),
      toArray(),
    ),
  );
  const { objects } = await lastValueFrom(of(lines).pipe(classify(direction)));
  const boxes = objects.map(({ box, classes: [best] }, place) => ({ box, label: `“${texts[place] ?? ''}”, ${best?.label ?? ''}` }));
  return { frame, boxes };
}

const drawn = ({ frame, boxes }: Seen): Promise<Frame> =>
  lastValueFrom(of(frame).pipe(annotate({ frame: (whole) => whole, boxes: () => boxes })));

/** The parts by themselves, in their order. */
const partsOf = (seen: Seen): Promise<Frame[]> =>
  lastValueFrom(
    of(seen).pipe(crop({ frame: ({ frame }) => frame, boxes: ({ boxes }) => boxes.map(({ box }): Box => box), margin: 0.05 }), toArray()),
  );

const picture = ({ data, width, height }: Frame): Sharp => sharp(data, { raw: { width, height, channels: 3 } });

const seen = [await objectsOf(await photograph('dog.jpg', 456)), await linesOf(await photograph('messi5.jpg', 548))];
const pictures = await Promise.all(
  seen.map(async (one) =>
    picture(await drawn(one))
      .png()
      .toBuffer(),
  ),
);
const parts = (await Promise.all(seen.map(partsOf))).flat();

const width = 456 + gap + 548;
const partWidth = Math.floor((width - gap * (parts.length - 1)) / parts.length);
const layers = [
  ...pictures.map((input, place) => ({ input, left: place * (456 + gap), top: 0 })),
  ...(await Promise.all(
    parts.map(async (part, place) => ({
      input: await picture(part).resize(partWidth, partHigh, { fit: 'contain', background: '#f4f4f4' }).png().toBuffer(),
      left: place * (partWidth + gap),
      top: high + gap,
    })),
  )),
];
const { data, info } = await sharp({ create: { width, height: high + gap + partHigh, channels: 3, background: '#ffffff' } })
  .composite(layers)
  .removeAlpha()
  .raw()
  .toBuffer({ resolveWithObject: true });
const whole: Frame = { data, width: info.width, height: info.height, format: 'rgb24', time: 0, index: 0, source: 'models' };
const { data: jpeg } = await lastValueFrom(of(whole).pipe(encodeJpeg({ quality: 82 })));
await writeFile(target, jpeg);
console.log(`${target}: ${jpeg.length} bytes, ${parts.length} parts`);
