import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mapAsync } from 'edgeflow';
import { images } from 'edgeflow/operators';
import type { Frame, ImagesOptions, SkippedImage } from 'edgeflow/operators';
import { lastValueFrom, take, tap, toArray } from 'rxjs';
import sharp from 'sharp';
import { describe, expect, onTestFinished, test } from 'vitest';
import { shared, temporaryFolder, until } from './systemSupport.js';

const [jpeg, png] = await Promise.all(
  (['jpeg', 'png'] as const).map((format) =>
    sharp({ create: { width: 20, height: 10, channels: 3, background: '#0c0' } })
      .toFormat(format)
      .toBuffer(),
  ),
);

/** A folder with these files: pictures, unless they are given text. */
function folderOf(files: Record<string, string | Uint8Array | undefined>): string {
  const folder = temporaryFolder();
  for (const [name, content = name.endsWith('png') ? png : jpeg] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content ?? '');
  }
  return folder;
}

const named = { name: (path: string): string => path.split('/').slice(-1).join('/') };
const all = (pattern: string, options: ImagesOptions = {}): Promise<Frame[]> =>
  lastValueFrom(images(pattern, { ...named, onSkip: () => undefined, ...options }).pipe(toArray()));
const names = (frames: readonly Frame[]): string[] => frames.map(({ source }) => source);

describe('which files, and in which order', () => {
  const files = {
    '10.jpg': undefined,
    '2.png': undefined,
    '1.jpeg': undefined,
    'notes.txt': 'text',
    '.hidden.jpg': undefined,
    'a/b/3.jpg': undefined,
  };

  test.each([
    ['', ['1.jpeg', '2.png', '10.jpg']],
    ['*.jpg', ['10.jpg']],
    ['*.{jpg,png}', ['2.png', '10.jpg']],
    ['?.*', ['1.jpeg', '2.png']],
    ['**/*.jpg', ['10.jpg', '3.jpg']],
    ['a/*/3.jpg', ['3.jpg']],
    ['a/**', ['3.jpg']],
    ['2.png', ['2.png']],
  ])("'%s'", async (pattern, wanted) => {
    expect(names(await all(join(folderOf(files), pattern)))).toEqual(wanted);
  });

  test('signs of regular expressions are signs, and a file that is there is meant as it is called', async () => {
    const folder = folderOf({ 'a+(1).jpg': undefined, 'aa1.jpg': undefined, 'x{1}.jpg': undefined, 'x1.jpg': undefined });
    expect(names(await all(join(folder, 'a+(1)*')))).toEqual(['a+(1).jpg']);
    expect(names(await all(join(folder, 'x{1}.jpg')))).toEqual(['x{1}.jpg']);
  });

  test('links to pictures count, and links to nothing are skipped', async () => {
    const folder = folderOf({ 'real/1.jpg': undefined });
    symlinkSync(join(folder, 'real/1.jpg'), join(folder, '1.jpg'));
    symlinkSync(join(folder, 'gone.jpg'), join(folder, '2.jpg'));
    expect(names(await all(folder))).toEqual(['1.jpg']);
  });
});

test.skipIf(shared('media').absent)('stills of several cameras are read as they are', async () => {
  const frames = await all(join(shared('media').path, '*.jpg'));
  expect(frames.length).toBeGreaterThan(2);
  for (const { source, width, height, data, format } of frames) {
    const { width: w, height: h } = await sharp(readFileSync(shared(`media/${source}`).path)).metadata();
    expect([width, height, data.length, format]).toEqual([w, h, w * h * 3, 'rgb24']);
  }
});

test('frames count on in a loop, and carry the name of the folder', async () => {
  const folder = folderOf({ 'door/1.jpg': undefined, 'door/2.jpg': undefined });
  const frames = await lastValueFrom(images(join(folder, 'door'), { loop: true }).pipe(take(5), toArray()));
  expect(frames.map(({ index, source }) => [index, source])).toEqual([0, 1, 2, 3, 4].map((index) => [index, 'door']));
});

test('the next file is read when the frame of the last one is settled', async () => {
  const folder = folderOf({ '1.jpg': undefined, '2.jpg': undefined });
  const given: Frame[] = [];
  let done = (): void => undefined;
  const work = new Promise<void>((resolve) => (done = resolve));
  const end = lastValueFrom(
    images(folder, named).pipe(
      tap((frame) => given.push(frame)),
      mapAsync(() => work),
    ),
  );
  await until('the first', () => given.length === 1);
  // What is read only now is what is there now.
  writeFileSync(
    join(folder, '2.jpg'),
    await sharp({ create: { width: 40, height: 10, channels: 3, background: '#0c0' } })
      .jpeg()
      .toBuffer(),
  );
  done();
  await end;
  expect(given.map(({ width }) => width)).toEqual([20, 40]);
});

test('fps is a limit', async () => {
  const start = performance.now();
  await all(folderOf({ '1.jpg': undefined, '2.jpg': undefined, '3.jpg': undefined }), { fps: 20 });
  expect(performance.now() - start).toBeGreaterThan(95);
});

describe('broken files', () => {
  const files = { '1.jpg': undefined, '2.jpg': 'no picture', '3.jpg': jpeg?.subarray(0, 200), '4.jpg': '', '5.jpg': undefined };

  test('are skipped, each with its reason', async () => {
    const skipped: SkippedImage[] = [];
    const frames = await all(folderOf(files), { onSkip: (file) => skipped.push(file) });
    expect(names(frames)).toEqual(['1.jpg', '5.jpg']);
    expect(frames.map(({ index }) => index)).toEqual([0, 1]);
    expect(skipped.map(({ path }) => path.slice(-5))).toEqual(['2.jpg', '3.jpg', '4.jpg']);
    for (const { error } of skipped) expect(error).toMatchObject({ code: 'IMAGE_INVALID' });
    for (const { error } of skipped) expect((error as Error).message).not.toContain('\n');
  });

  test('or fail the stream', async () => {
    await expect(all(folderOf(files), { broken: 'fail' })).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  test('files that are too large are not read', async () => {
    expect(await all(join(folderOf({ '1.jpg': undefined, '2.jpg': Buffer.alloc(5_000) }), '*'), { maxBytes: 4_000 })).toHaveLength(1);
  });

  test('a loop over nothing but broken files ends', async () => {
    await expect(all(folderOf({ '1.jpg': 'x' }), { loop: true })).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
  });
});

test('watching, it takes new files as they come, and half written ones when they are whole', async () => {
  const folder = folderOf({ '1.jpg': undefined });
  const frames: Frame[] = [];
  const skipped: string[] = [];
  const watching = images(folder, { ...named, watchMs: 10, onSkip: ({ path }) => skipped.push(path) }).subscribe((frame) =>
    frames.push(frame),
  );
  onTestFinished(() => {
    watching.unsubscribe();
  });
  await until('the file that is there', () => frames.length === 1);
  writeFileSync(join(folder, '2.part'), jpeg ?? '');
  renameSync(join(folder, '2.part'), join(folder, '2.jpg'));
  await until('a new file', () => frames.length === 2);
  writeFileSync(join(folder, '3.jpg'), jpeg?.subarray(0, 100) ?? '');
  await until('a half', () => skipped.length === 1);
  writeFileSync(join(folder, '3.jpg'), jpeg ?? '');
  await until('the whole', () => frames.length === 3);
  expect(names(frames)).toEqual(['1.jpg', '2.jpg', '3.jpg']);
});

describe('failures', () => {
  test.each(['', '*.png', 'no/such/*.jpg', 'no-such.jpg'])("nothing is meant by '%s'", async (pattern) => {
    await expect(all(join(folderOf({ 'notes.txt': 'text' }), pattern))).rejects.toMatchObject({ code: 'SOURCE_MISSING' });
  });

  test.each([
    { fps: 0 },
    { fps: NaN },
    { watchMs: 0 },
    { watchMs: 10, loop: true },
    { broken: 'ignore' as 'skip' },
    { concurrency: 0 },
    { maxBytes: NaN },
  ])('options %o', (options) => {
    expect(() => images('stills', options)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });

  test('no pattern', () => {
    expect(() => images(' ')).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});
