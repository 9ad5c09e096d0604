import { decodeImage, encodeJpeg, resize } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import { lastValueFrom, of } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { plainFrame } from './support.js';

function through<T>(value: T, operator: OperatorFunction<T, Frame>): Promise<Frame> {
  return lastValueFrom(of(value).pipe(operator));
}

/** Red on the left, blue on the right. */
function flag(width: number, height: number): Frame {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data[i * 3 + (i % width < width / 2 ? 0 : 2)] = 255;
  return plainFrame(width, height, { data, index: 5, time: 99, source: 'flag' });
}

function pixel({ data, width }: Frame, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

function near(found: number[], wanted: number[]): void {
  for (const [i, value] of wanted.entries()) expect(Math.abs((found[i] ?? NaN) - value)).toBeLessThan(12);
}

describe('encodeJpeg and decodeImage', () => {
  test('bring a frame there and back', async () => {
    const jpeg = await through(flag(64, 32), encodeJpeg({ quality: 95 }));
    expect(jpeg).toMatchObject({ format: 'jpeg', width: 64, height: 32, index: 5, time: 99, source: 'flag' });
    const frame = await through<Uint8Array | Frame>(jpeg, decodeImage());
    expect(frame).toMatchObject({ format: 'rgb24', width: 64, height: 32, index: 5, time: 99, source: 'flag' });
    expect(frame.data.length).toBe(64 * 32 * 3);
    near(pixel(frame, 5, 5), [255, 0, 0]);
    near(pixel(frame, 60, 5), [0, 0, 255]);
  });

  test('gray8 becomes a gray JPEG, and rgb24 when it is decoded', async () => {
    const gray = plainFrame(16, 8, { format: 'gray8', data: new Uint8Array(128).fill(90) });
    const jpeg = await through(gray, encodeJpeg());
    expect((await sharp(jpeg.data).metadata()).channels).toBe(1);
    const frame = await through<Uint8Array | Frame>(jpeg, decodeImage());
    near(pixel(frame, 3, 3), [90, 90, 90]);
  });

  test('what is encoded or decoded already passes untouched', async () => {
    const jpeg = await through(flag(16, 16), encodeJpeg());
    expect(await through(jpeg, encodeJpeg())).toBe(jpeg);
    const raw = flag(16, 16);
    expect(await through<Uint8Array | Frame>(raw, decodeImage())).toBe(raw);
  });

  test.each(['png', 'webp', 'gif', 'tiff'] as const)('bytes of %s, with transparency', async (format) => {
    const bytes = await sharp({ create: { width: 20, height: 10, channels: 4, background: { r: 0, g: 200, b: 0, alpha: 1 } } })
      [format]()
      .toBuffer();
    const frame = await through<Uint8Array | Frame>(bytes, decodeImage({ source: 'still' }));
    expect(frame).toMatchObject({ format: 'rgb24', width: 20, height: 10, index: 0, source: 'still' });
    near(pixel(frame, 1, 1), [0, 200, 0]);
  });

  test('16 bits a channel and CMYK come out as 8-bit RGB', async () => {
    const deep = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#ff0000' } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    near(pixel(await through<Uint8Array | Frame>(deep, decodeImage()), 1, 1), [255, 0, 0]);
    const cmyk = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#ff0000' } })
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    expect((await through<Uint8Array | Frame>(cmyk, decodeImage())).data.length).toBe(8 * 8 * 3);
  });

  test('a photograph is turned upright', async () => {
    const bytes = await sharp(flag(64, 32).data, { raw: { width: 64, height: 32, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 95 })
      .toBuffer();
    const frame = await through<Uint8Array | Frame>(bytes, decodeImage());
    expect(frame).toMatchObject({ width: 32, height: 64 });
    near(pixel(frame, 5, 5), [255, 0, 0]);
    near(pixel(frame, 5, 60), [0, 0, 255]);
  });

  test('bytes that are no picture are an error', async () => {
    const whole = await sharp(flag(200, 200).data, { raw: { width: 200, height: 200, channels: 3 } })
      .jpeg()
      .toBuffer();
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    for (const bytes of [Buffer.from('hello'), new Uint8Array(), whole.subarray(0, whole.length / 2), svg])
      await expect(through<Uint8Array | Frame>(bytes, decodeImage())).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  test('a picture that would take too much memory is refused before it is decoded', async () => {
    const bomb = await sharp({ create: { width: 10_100, height: 10_000, channels: 3, background: '#000' } })
      .png()
      .toBuffer();
    await expect(through<Uint8Array | Frame>(bomb, decodeImage())).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('pixel limit') as string,
    });
  });

  test('a frame that does not hold what it says is an error', async () => {
    const jpeg = await through(flag(64, 32), encodeJpeg());
    await expect(through<Uint8Array | Frame>({ ...jpeg, width: 65 }, decodeImage())).rejects.toMatchObject({
      code: 'FRAME_INVALID',
      message: expect.stringContaining('64x32') as string,
    });
    const short = plainFrame(64, 32, { data: new Uint8Array(9) });
    for (const operator of [encodeJpeg(), resize({ width: 8 }), decodeImage() as OperatorFunction<Frame, Frame>])
      await expect(through(short, operator)).rejects.toMatchObject({ code: 'FRAME_INVALID' });
  });

  test.each([0, 101, 1.5])('quality %d is refused', (quality) => {
    expect(() => encodeJpeg({ quality })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});

describe('resize', () => {
  test.each([
    [{ width: 32 }, 32, 16],
    [{ height: 8 }, 16, 8],
    [{ width: 20, height: 20 }, 20, 20],
    [{ width: 20, height: 20, fit: 'inside' }, 20, 10],
    [{ width: 20, height: 20, fit: 'contain' }, 20, 20],
    [{ width: 128, height: 20, fit: 'fill' }, 128, 20],
  ] as const)('64x32 by %j', async (options, width, height) => {
    const frame = await through(flag(64, 32), resize(options));
    expect(frame).toMatchObject({ width, height, format: 'rgb24', index: 5, time: 99, source: 'flag' });
    expect(frame.data.length).toBe(width * height * 3);
  });

  test('keeps gray gray, adds black bars, and decodes JPEG', async () => {
    const gray = await through(
      plainFrame(64, 32, { format: 'gray8', data: new Uint8Array(64 * 32).fill(90) }),
      resize({ width: 16, height: 16, fit: 'contain' }),
    );
    expect(gray).toMatchObject({ format: 'gray8', width: 16, height: 16 });
    expect(gray.data.length).toBe(256);
    expect([gray.data[0], gray.data[8 * 16 + 8]]).toEqual([0, 90]);
    const jpeg = await through(flag(64, 32), encodeJpeg());
    expect(await through(jpeg, resize({ width: 32 }))).toMatchObject({ format: 'rgb24', width: 32, height: 16 });
  });

  test.each([{}, { width: 0 }, { height: 1.5 }, { width: 20_000 }])('%j is refused', (options) => {
    expect(() => resize(options)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});
