import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { listBlobs, loadBlob, storeBlob } from 'edgeflow/operators';
import type { BlobRef, Frame, StoreBlobOptions } from 'edgeflow/operators';
import fc from 'fast-check';
import { Observable, Subject, firstValueFrom, from, lastValueFrom, of, tap, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { deliver } from '#src/flow/delivery.js';
import type { Settlement } from '#src/flow/delivery.js';
import { smallDisk, temporaryFolder } from './systemSupport.js';
import { throughBroker } from './throughBroker.js';

const noon = Date.UTC(2026, 10, 23, 12);

function frame(index: number, { time = noon + index, bytes = 300, source = 'test' } = {}): Frame {
  const height = bytes > 30_000 ? 100 : 1;
  return { data: new Uint8Array(bytes).fill(index), width: bytes / 3 / height, height, format: 'rgb24', time, index, source };
}

async function list(directory: string): Promise<BlobRef[]> {
  const refs: BlobRef[] = [];
  for await (const ref of listBlobs(directory)) refs.push(ref);
  return refs;
}

const store = (frames: Frame[], options: StoreBlobOptions): Promise<BlobRef[]> =>
  lastValueFrom(from(frames).pipe(storeBlob({ format: 'raw', ...options }), toArray()));

/** Sends frames as the deliveries of one message each, and tells how they were settled. */
function storeDelivered(
  messages: readonly (readonly [id: string, frames: readonly Frame[]])[],
  options: StoreBlobOptions,
): Promise<Settlement[]> {
  return new Promise((resolve, reject) => {
    const settled: Settlement[] = [];
    new Observable<Frame>((output) => {
      for (const [id, frames] of messages)
        deliver(
          {
            id,
            onSettled: (settlement) => {
              if (settled.push(settlement) === messages.length) resolve(settled);
            },
          },
          () => {
            for (const value of frames) output.next(value);
          },
        );
    })
      .pipe(storeBlob({ format: 'raw', ...options }))
      .subscribe({ error: reject });
  });
}

describe('stored and loaded', () => {
  test('raw bytes come back as they were', async () => {
    const directory = temporaryFolder();
    const frames = [frame(0), frame(1), { ...frame(2), format: 'gray8' as const, width: 300 }];
    const refs = await store(frames, { directory });
    expect(await lastValueFrom(from(refs).pipe(loadBlob({ directory }), toArray()))).toEqual(
      frames.map((each) => ({ ...each, data: Buffer.from(each.data) })),
    );
    expect(await list(directory)).toEqual(refs);
  });

  test('JPEG is the default, and a JPEG is not encoded again', async () => {
    const directory = temporaryFolder();
    const [ref] = await lastValueFrom(
      of({ ...frame(7), data: new Uint8Array(64 * 48 * 3), width: 64, height: 48 }).pipe(storeBlob({ directory }), toArray()),
    );
    if (!ref) throw new Error('nothing was stored');
    expect(ref).toMatchObject({ format: 'jpeg', width: 64, height: 48, index: 7, source: 'test' });
    const loaded = await firstValueFrom(of(ref).pipe(loadBlob({ directory })));
    const other = temporaryFolder();
    const again = await firstValueFrom(of(loaded).pipe(storeBlob({ directory: other })));
    expect(again.sha256).toBe(ref.sha256);
  });

  test('no text of a value gets into a path', async () => {
    const directory = temporaryFolder();
    const [ref] = await store([frame(3, { source: '../../etc/passwd\0' })], { directory });
    expect(ref?.path).toMatch(/^2026-11-23\/12-00\/001795435200003-0000000003-[0-9a-f]{20}\.rgb24$/);
    expect(ref?.source).toBe('../../etc/passwd\0');
  });

  test.each([NaN, -1, Infinity, 1e15])('a time of %s fails its frame', async (time) => {
    await expect(store([frame(0, { time })], { directory: temporaryFolder() })).rejects.toMatchObject({ code: 'FRAME_INVALID' });
  });

  test('frames of one millisecond all keep a file', async () => {
    const directory = temporaryFolder();
    await store(
      Array.from({ length: 20 }, () => frame(1)),
      { directory },
    );
    expect(await list(directory)).toHaveLength(20);
  });

  test.each([
    { directory: '' },
    { format: 'png' },
    { quality: 0 },
    { maxCount: 0 },
    { maxBytes: NaN },
    { durability: 'none' },
    { concurrency: 0 },
  ])('options %o', (options) => {
    expect(() => storeBlob({ directory: 'x', ...options } as StoreBlobOptions)).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID' }),
    );
  });

  test('durability power', async () => {
    const directory = temporaryFolder();
    await store([frame(0), frame(1)], { directory, durability: 'power' });
    expect(await list(directory)).toHaveLength(2);
  });
});

describe('redelivery', () => {
  test('a message that comes again replaces its own file', async () => {
    const directory = temporaryFolder();
    await storeDelivered(
      [
        ['m1', [frame(1)]],
        ['m2', [frame(2)]],
      ],
      { directory },
    );
    const before = await list(directory);
    await storeDelivered(
      [
        ['m1', [frame(1)]],
        ['m3', [frame(3)]],
      ],
      { directory },
    );
    const after = await list(directory);
    expect(after.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(after.slice(0, 2)).toEqual(before);
  });

  test('several frames of one message keep a file each', async () => {
    const directory = temporaryFolder();
    for (let delivery = 0; delivery < 2; delivery++) await storeDelivered([['m1', [frame(1), frame(1), frame(1)]]], { directory });
    expect(await list(directory)).toHaveLength(3);
  });

  test('a line that a full disk or a loss of power tore does not harm its neighbours', async () => {
    const directory = temporaryFolder();
    const [ref] = await store([frame(1)], { directory });
    const index = join(directory, dirname(ref?.path ?? ''), 'index.jsonl');
    appendFileSync(index, '{"path":"2026-11-23/12-00/0017954');
    expect(await list(directory)).toHaveLength(1);
    await store([frame(2)], { directory });
    expect((await list(directory)).map((each) => each.index)).toEqual([1, 2]);
    appendFileSync(index, '\0\0\0\nnull\n{"path":"../../x"}\n[]\n');
    await store([frame(3)], { directory });
    expect((await list(directory)).map((each) => each.index)).toEqual([1, 2, 3]);
  });

  test('a line without its picture is not listed', async () => {
    const directory = temporaryFolder();
    const refs = await store([frame(1), frame(2)], { directory });
    rmSync(join(directory, refs[0]?.path ?? ''));
    expect((await list(directory)).map(({ index }) => index)).toEqual([2]);
  });
});

describe('limits', () => {
  test('hold after every picture, and the oldest go first', async () => {
    const hour = 3_600_000;
    const limits = fc.record(
      {
        maxCount: fc.integer({ min: 1, max: 6 }),
        maxBytes: fc.integer({ min: 1, max: 10 }).map((count) => count * 300),
        maxAgeMs: fc.constantFrom(1.5 * hour, 4.5 * hour),
      },
      { requiredKeys: [] },
    );
    const pictures = fc.array(
      fc.record({ hoursAgo: fc.integer({ min: 0, max: 6 }), msAgo: fc.integer({ min: 0, max: 9 }), size: fc.constantFrom(300, 600, 900) }),
      {
        minLength: 1,
        maxLength: 15,
      },
    );
    await fc.assert(
      fc.asyncProperty(limits, pictures, async (options, items) => {
        const directory = temporaryFolder();
        const now = Date.now();
        let model: { path: string; bytes: number; time: number }[] = [];
        const frames = items.map(({ hoursAgo, msAgo, size }, index) => frame(index, { time: now - hoursAgo * hour - msAgo, bytes: size }));
        // One store for all, as one subscription has it; looked at after each picture.
        await lastValueFrom(
          from(frames).pipe(
            storeBlob({ directory, format: 'raw', concurrency: 1, ...options }),
            tap((ref) => {
              model.push(ref);
              model.sort((a, b) => (a.path < b.path ? -1 : 1));
              const { maxCount = Infinity, maxBytes = Infinity, maxAgeMs = Infinity } = options;
              for (const each of [...model]) {
                const bytes = model.reduce((sum, other) => sum + other.bytes, 0);
                const over = model.length > maxCount || bytes > maxBytes || each.time < now - maxAgeMs;
                if (over && each !== ref) model = model.filter((other) => other !== each);
              }
              const there = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.rgb24'));
              expect(there.sort()).toEqual(model.map(({ path }) => path));
            }),
          ),
        );
        expect((await list(directory)).map(({ path }) => path)).toEqual(model.map(({ path }) => path));
      }),
      { numRuns: 40 },
    );
  });

  test('hold for a store of an earlier run, and leave no empty folder', async () => {
    const directory = temporaryFolder();
    await store(
      Array.from({ length: 10 }, (_, index) => frame(index, { time: noon + index * 120_000 })),
      { directory },
    );
    await store([frame(10, { time: noon + 86_400_000 })], { directory, maxCount: 2 });
    expect((await list(directory)).map(({ index }) => index)).toEqual([9, 10]);
    expect(readdirSync(directory).sort()).toEqual(['.tmp', '2026-11-23', '2026-11-24']);
    expect(readdirSync(join(directory, '2026-11-23'))).toEqual(['12-18']);
  });

  test('leave one of the pictures that are stored at once', async () => {
    const frames = Array.from({ length: 4 }, (_, index) => frame(index));
    for (let round = 0; round < 40; round++) {
      const directory = temporaryFolder();
      await store(frames, { directory, maxCount: 1, concurrency: 4 });
      expect(await list(directory)).toHaveLength(1);
    }
  });

  test('hold for two writers of one directory', async () => {
    const directory = temporaryFolder();
    const frames = (from: number): Frame[] =>
      Array.from({ length: 60 }, (_, index) => frame(from + index, { time: noon + (index % 7) * 60_000 }));
    await Promise.all([store(frames(0), { directory, maxCount: 8 }), store(frames(100), { directory, maxCount: 8 })]);
    await store([frame(999)], { directory, maxCount: 8 });
    const refs = await list(directory);
    expect(refs).toHaveLength(8);
    expect(await lastValueFrom(from(refs).pipe(loadBlob({ directory }), toArray()))).toHaveLength(8);
  });
});

describe('failures', () => {
  test('a full disk fails the delivery; it succeeds when there is space again', async ({ skip }) => {
    const directory = smallDisk('1m');
    if (directory === undefined) return skip('mounting is not permitted');
    const ballast = join(directory, 'ballast');
    writeFileSync(ballast, Buffer.alloc(700_000));
    const big = frame(1, { bytes: 600_000 });
    const [refused] = await storeDelivered([['m1', [big]]], { directory });
    expect(refused?.failed?.error).toMatchObject({ code: 'STORE_FAILED', message: expect.stringContaining('the disk is full') as string });
    expect(readdirSync(join(directory, '.tmp'))).toEqual([]);
    rmSync(ballast);
    expect(await storeDelivered([['m1', [big]]], { directory })).toEqual([{}]);
    expect(await list(directory)).toHaveLength(1);
  });

  test('a directory that cannot be made fails the delivery', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const [settlement] = await storeDelivered([['m1', [frame(1)]]], { directory: join(file, 'archive') });
    expect(settlement?.failed?.error).toMatchObject({ code: 'STORE_FAILED' });
  });

  test('a directory that was removed is made again', async () => {
    const directory = join(temporaryFolder(), 'archive');
    const frames = new Subject<Frame>();
    const subscription = frames.pipe(storeBlob({ directory, format: 'raw' })).subscribe();
    const send = (index: number): Promise<Settlement> =>
      new Promise((resolve) => {
        deliver({ id: `m${index}`, onSettled: resolve }, () => {
          frames.next(frame(index));
        });
      });
    expect(await send(1)).toEqual({});
    rmSync(directory, { recursive: true });
    await send(2);
    expect(await send(2)).toEqual({});
    subscription.unsubscribe();
    expect((await list(directory)).map(({ index }) => index)).toEqual([2]);
  });

  test('loadBlob: what is gone, altered, or not below the directory', async () => {
    const directory = temporaryFolder();
    const [gone, altered, shortened, linked] = await store([frame(0), frame(1), frame(2), frame(3)], { directory });
    if (!gone || !altered || !shortened || !linked) throw new Error('nothing was stored');
    const load = (ref: unknown): Promise<Frame> => firstValueFrom(of(ref as BlobRef).pipe(loadBlob({ directory })));
    rmSync(join(directory, gone.path));
    writeFileSync(join(directory, altered.path), Buffer.alloc(300, 9));
    writeFileSync(join(directory, shortened.path), Buffer.alloc(299, 2));
    const outside = join(temporaryFolder(), 'outside');
    writeFileSync(outside, readFileSync(join(directory, linked.path)));
    rmSync(join(directory, linked.path));
    symlinkSync(outside, join(directory, linked.path));

    await expect(load(gone)).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    for (const ref of [altered, shortened, linked, null, {}, { ...altered, format: 'constructor' }])
      await expect(load(ref)).rejects.toMatchObject({ code: 'BLOB_INVALID' });
    const [folder, name] = [dirname(altered.path), basename(altered.path)];
    for (const path of [
      '',
      '..',
      '/etc/passwd',
      '../../etc/passwd',
      `${folder}/../../../etc/passwd`,
      `${folder}/../12-00/${name}`,
      `../${altered.path}`,
      `/${altered.path}`,
      `${altered.path}\0`,
      `${altered.path}\n`,
      `${folder}/${'x'.repeat(5_000)}.jpg`,
      `${folder}\\${name}`,
      `${folder}/\u0660${name.slice(1)}`,
      [altered.path],
    ])
      await expect(load({ ...altered, path })).rejects.toMatchObject({ code: 'BLOB_INVALID' });
  });

  test('loadBlob: each reference settles by itself, in order', async () => {
    const directory = temporaryFolder();
    const refs = await store([frame(0), frame(1), frame(2)], { directory });
    rmSync(join(directory, refs[1]?.path ?? ''));
    const wrong = { ...refs[0], path: '../x' } as BlobRef;
    const { results, failures } = await throughBroker([...refs, wrong, ...refs.slice(0, 1)], loadBlob({ directory }));
    expect(results.map(({ index }) => index)).toEqual([0, 2, 0]);
    expect(failures.map((failure) => /^[A-Z]+_[A-Z]+/.exec(failure)?.[0])).toEqual(['BLOB_MISSING', 'BLOB_INVALID']);
  });

  test('a directory that does not exist is an empty store', async () => {
    expect(await list(join(temporaryFolder(), 'nothing'))).toEqual([]);
  });

  test('temporary files of other machines are left alone', async () => {
    const directory = temporaryFolder();
    await store([frame(0)], { directory });
    const folder = join(directory, '.tmp');
    mkdirSync(folder, { recursive: true });
    const elsewhere = join(folder, '00000000-1-aaaaaaaa-0');
    writeFileSync(elsewhere, '');
    await store([frame(1)], { directory });
    expect(existsSync(elsewhere)).toBe(true);
  });
});
