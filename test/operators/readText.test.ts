import { classify, decodeImage } from 'edgeflow/operators';
import { readFile } from 'node:fs/promises';
import { from, lastValueFrom, map, of, toArray } from 'rxjs';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { haveShared, shared } from './support.js';
import { direction, findText, readText } from './textModels.js';

describe.skipIf(!haveShared())('text in a photograph', () => {
  test('is found and read by infer, and classify says which way up each line is', async () => {
    const still = of(await readFile(shared('media/messi5.jpg'))).pipe(decodeImage());
    const { frame, found } = await lastValueFrom(still.pipe(findText));
    const lines = from(found).pipe(map(({ box }) => ({ frame, box })));
    const [texts, upright] = await Promise.all([
      lastValueFrom(lines.pipe(readText(), toArray())),
      lastValueFrom(of({ frame, found }).pipe(classify(direction))),
    ]);
    // On the shirt; and the mark of the agency in the corner, whose letters are seven pixels high.
    expect(texts).toEqual(['unicef', expect.stringMatching(/^WEEKmed/)]);
    expect(upright.objects.map(({ classes }) => classes[0]?.label)).toEqual(['upright', 'upright']);

    const { width, height } = frame;
    const data = await sharp(frame.data, { raw: { width, height, channels: 3 } })
      .rotate(180)
      .raw()
      .toBuffer();
    const turned = found.map(({ box: [x1, y1, x2, y2] }) => ({ box: [width - x2, height - y2, width - x1, height - y1] as const }));
    const upsideDown = await lastValueFrom(of({ frame: { ...frame, data }, found: turned }).pipe(classify(direction)));
    expect(upsideDown.objects.map(({ classes }) => classes[0]?.label)).toEqual(['upside down', 'upside down']);
    expect(Math.min(...upsideDown.objects.map(({ classes }) => classes[0]?.score ?? 0))).toBeGreaterThan(0.9);
  });
});
