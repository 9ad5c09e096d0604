import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawScene, type Frame } from 'edgeflow/operators';
import sharp from 'sharp';
// The very numbers with which the network in the repository was trained.
import { Random } from '../../../operators/scene/random.js';
import { streetLabels } from '../model.js';

/** Pictures are stored at half size, as the network sees them before its letterbox is padded. */
const [width, height] = [320, 180];

/** No seed is in two of these; the tests of the project use seeds below 100,000. */
const splits = {
  train: { firstSeed: 100_000, scenes: 900 },
  validation: { firstSeed: 200_000, scenes: 75 },
} as const;
const framesPerScene = 4;

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: export-dataset.ts DIRECTORY');
await mkdir(directory, { recursive: true });

for (const [split, { firstSeed, scenes }] of Object.entries(splits)) {
  const pixels = await open(join(directory, `${split}.rgb`), 'w');
  const truth: unknown[] = [];
  for (let seed = firstSeed; seed < firstSeed + scenes; seed++) {
    const random = new Random(seed);
    const draw = drawScene({ seed, traffic: random.between(0.5, 2.2) });
    for (let taken = 0; taken < framesPerScene; taken++) {
      const { frame, objects } = draw(Math.floor(random.between(0, 9000)));
      await pixels.write(await shrink(frame, random));
      truth.push(
        objects.map(({ label, box, ignore }) => ({
          class: streetLabels.indexOf(label),
          box: box.map((value) => (value * width) / frame.width),
          ignore,
        })),
      );
    }
  }
  await pixels.close();
  await writeFile(join(directory, `${split}.json`), JSON.stringify({ width, height, labels: streetLabels, truth }));
  console.log(`${split}: ${truth.length} frames`);
}

/** Halves a picture in one of the ways that cameras, codecs and letterboxes do, half of the time through a JPEG. */
async function shrink(frame: Frame, random: Random): Promise<Buffer> {
  let picture = sharp(frame.data, { raw: { width: frame.width, height: frame.height, channels: 3 } });
  if (random.chance(0.5)) {
    const quality = Math.round(random.between(35, 95));
    picture = sharp(await picture.jpeg({ quality }).toBuffer());
  }
  const kernel = random.pick(['nearest', 'linear', 'linear', 'cubic', 'lanczos3']);
  return picture.resize(width, height, { kernel, fit: 'fill' }).removeAlpha().raw().toBuffer();
}
