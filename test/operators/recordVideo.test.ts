import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryBroker, QoS, fromBroker, toBroker, topic } from 'edgeflow';
import type { TopicStats } from 'edgeflow';
import { camera, recordVideo } from 'edgeflow/operators';
import type { CameraEvent, ClipRef, Frame, RecordVideoOptions } from 'edgeflow/operators';
import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { clipsOf, recordWithKills, timesOf } from './sinkKills.js';
import { sink, warningsOf } from './sinkSupport.js';
import { childrenOf, lacks, setEnv, smallDisk, temporaryFolder, until } from './systemSupport.js';

const noon = Date.UTC(2026, 10, 23, 12);

function frame(index: number, changes: Partial<Frame> = {}): Frame {
  const { width = 64, height = 48 } = changes;
  const data = new Uint8Array(width * height * 3).fill(index * 7);
  return { data, width, height, format: 'rgb24', time: noon + index * 100, index, source: 'test', ...changes };
}

const frames = (count: number, changes: Partial<Frame> = {}): Frame[] => Array.from({ length: count }, (_, index) => frame(index, changes));

const record = <T extends Frame>(values: readonly T[], options: RecordVideoOptions<T>): Promise<ClipRef[]> =>
  lastValueFrom(from(values).pipe(recordVideo(options), toArray()));

describe.skipIf(lacks('ffmpeg'))('recordVideo', () => {
  test('pictures keep their times, and a new clip begins where the size or the source changes or time is up', async () => {
    const directory = temporaryFolder();
    const uneven = [0, 33, 33, 100, 1_234, 1_300].map((time, index) => frame(index, { time: noon + time }));
    const values = [
      ...uneven,
      ...[40, 41].map((index) => frame(index, { width: 33, height: 21, format: 'gray8', data: new Uint8Array(33 * 21) })),
      frame(42, { source: 'other' }),
      frame(43, { source: 'other', time: noon + 64_200 }),
    ];
    const clips = await record(values, { directory });
    expect(clips.map(({ source, frames, width, time, durationMs }) => [source, frames, width, time - noon, durationMs])).toEqual(
      expect.arrayContaining([
        ['test', 6, 64, 0, 1_300],
        ['test', 2, 33, 4_000, 100],
        ['other', 1, 64, 4_200, 0],
        ['other', 1, 64, 64_200, 0],
      ]),
    );
    expect(clips).toHaveLength(4);
    const first = clips.find(({ frames }) => frames === 6);
    expect(first?.path).toMatch(/^2026-11-23\/001795435200000-[0-9a-f]{12}\.mp4$/);
    expect(await timesOf(join(directory, first?.path ?? ''))).toEqual([0, 33, 34, 100, 1_234, 1_300]);
    expect(statSync(join(directory, first?.path ?? '')).size).toBe(first?.bytes);
    expect(clipsOf(directory)).toEqual(clips.map(({ path }) => path).sort());
  });

  test('a camera plays every picture of a clip, however close they are, and takes none for damage', async () => {
    const directory = temporaryFolder();
    const time = (index: number): number => noon + 100 * index + (index % 4 === 3 ? -97 : 0);
    const [clip] = await record(
      frames(60).map((each) => ({ ...each, time: time(each.index) })),
      { directory },
    );
    const events: CameraEvent[] = [];
    const played = camera({ source: join(directory, clip?.path ?? ''), pace: false, onEvent: (event) => events.push(event) });
    expect(await lastValueFrom(played.pipe(toArray()))).toHaveLength(60);
    expect(events.filter(({ type }) => type !== 'open')).toEqual([]);
  });

  test('a delivery settles when its fragment is in the file', async () => {
    const directory = temporaryFolder();
    const { send, out, complete } = sink(recordVideo({ directory }));
    const settled = new Set<number>();
    for (let index = 0; index < 25; index++) void send(frame(index)).then(() => settled.add(index));
    await until('two fragments', () => settled.size === 20);
    expect([...settled]).toEqual(Array.from({ length: 20 }, (_, index) => index));
    // It can be played already.
    const [unfinished = ''] = clipsOf(directory);
    expect(unfinished).toMatch(/\.part\.mp4$/);
    expect(await timesOf(join(directory, unfinished))).toHaveLength(20);
    await complete();
    await until('the last fragment', () => settled.size === 25);
    expect(out).toMatchObject([{ frames: 25 }]);
  });

  test('through a broker, with a prefetch that is smaller than a fragment, DURABLE and REALTIME', async () => {
    const broker = new MemoryBroker();
    const [input, clips] = [topic<Frame>('frames'), topic<ClipRef>('clips')];
    await broker.declare({ topic: 'frames', groups: ['all'], readers: ['newest'] });
    await broker.declare({ topic: 'clips', groups: ['later'] });
    const end = new AbortController();
    const all: ClipRef[] = [];
    const newest: ClipRef[] = [];
    const read = [
      fromBroker(input, QoS.DURABLE, { broker, group: 'all', prefetch: 2, stop: end.signal })
        .pipe(recordVideo({ directory: temporaryFolder(), idleMs: 60_000 }), toBroker(clips, { broker }))
        .forEach((clip) => all.push(clip)),
      fromBroker(input, QoS.REALTIME, { broker, group: 'newest', stop: end.signal })
        .pipe(recordVideo({ directory: temporaryFolder(), idleMs: 60_000 }))
        .forEach((clip) => newest.push(clip)),
    ];
    await lastValueFrom(from(frames(25)).pipe(toBroker(input, { broker })));
    const statsOf = async (name: string): Promise<TopicStats | undefined> => (await broker.stats()).find((each) => each.topic === name);
    await until('that all are taken', async () => {
      const stats = await statsOf('frames');
      return stats?.groups.all?.unread === 0 && (stats.readers.newest?.delivered ?? 0) > 0;
    });
    end.abort();
    await Promise.all(read);
    expect(all).toMatchObject([{ frames: 25 }]);
    expect(newest).toHaveLength(1);
    await until('that all are acked', async () => (await statsOf('frames'))?.groups.all?.acked === 25);
    expect((await statsOf('clips'))?.published).toBe(1);
    await broker.close();
  });

  test('a clip ends when no more frames come', async () => {
    const { send, out } = sink(recordVideo({ directory: temporaryFolder(), idleMs: 50 }));
    expect(await Promise.all([send(frame(0)), send(frame(1))])).toEqual([{}, {}]);
    expect(out).toMatchObject([{ frames: 2, durationMs: 100 }]);
  });

  test('around events, with what was before and after; what is not recorded settles', async () => {
    const directory = temporaryFolder();
    const { send, out, complete } = sink(
      recordVideo<Frame>({ directory, when: ({ index }) => index === 20 || index === 24 || index === 60, preRollMs: 500, postRollMs: 300 }),
    );
    const settled = frames(80).map((each) => send(each));
    await Promise.all(settled.slice(0, 70));
    await complete();
    expect(await Promise.all(settled)).toEqual(settled.map(() => ({})));
    expect(out.map(({ time, frames }) => [(time - noon) / 100, frames])).toEqual([
      [15, 13],
      [55, 9],
    ]);
  });

  test('frames before an event that does not come settle when no more frames come', async () => {
    const { send, out, complete } = sink(
      recordVideo<Frame>({ directory: temporaryFolder(), when: ({ index }) => index === 5, preRollMs: 200, postRollMs: 0, idleMs: 50 }),
    );
    expect(await Promise.all([0, 1, 2].map((index) => send(frame(index))))).toEqual([{}, {}, {}]);
    const later = [3, 4, 5].map((index) => send(frame(index)));
    await complete();
    expect(await Promise.all(later)).toEqual([{}, {}, {}]);
    expect(out).toMatchObject([{ frames: 3, time: noon + 300 }]);
  });

  test('frames before an event are held, within the bytes that they may have', async () => {
    const directory = temporaryFolder();
    const trigger = new Subject<void>();
    const one = 64 * 48 * 3;
    const { send, out, complete } = sink(recordVideo({ directory, trigger, preRollMs: 60_000, postRollMs: 0, maxPreRollBytes: 3 * one }));
    const settled = new Set<number>();
    const sent = [0, 1, 2, 3, 4].map((index) => send(frame(index)).then(() => settled.add(index)));
    await until('two to go', () => settled.size === 2);
    expect([...settled]).toEqual([0, 1]);
    trigger.next();
    sent.push(send(frame(5)).then(() => settled.add(5)));
    await complete();
    await Promise.all(sent);
    expect(out).toMatchObject([{ frames: 4, time: noon + 200 }]);
  });

  test('kill -9 at any moment: what was settled can be played, and the next run mends the rest', async () => {
    const directory = temporaryFolder();
    await recordWithKills(directory, 1);
  });

  test('an ffmpeg that dies fails what it had, and the next frame begins a clip', async () => {
    const directory = temporaryFolder();
    const { send, out, complete } = sink(recordVideo({ directory }));
    const lost = send(frame(0));
    await until('ffmpeg', () => childrenOf(process.pid, 'ffmpeg').length === 1);
    const [pid = 0] = childrenOf(process.pid, 'ffmpeg');
    process.kill(pid, 'SIGKILL');
    expect((await lost).failed?.error).toMatchObject({ code: 'STORE_FAILED' });
    const kept = send(frame(1));
    await complete();
    expect(await kept).toEqual({});
    expect(out).toMatchObject([{ frames: 1 }]);
    expect(clipsOf(directory)).toHaveLength(1);
  });

  test('a full disk is waited for, and every frame is in the clip', async ({ skip }) => {
    const directory = smallDisk('1m');
    if (directory === undefined) return skip('mounting is not permitted');
    const warnings = warningsOf('recordVideo');
    const ballast = join(directory, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1_000_000));
    const noise = Array.from({ length: 25 }, (_, index) => {
      const data = new Uint8Array(160 * 120 * 3);
      for (let at = 0; at < data.length; at += 50_000) crypto.getRandomValues(data.subarray(at, at + 50_000));
      return frame(index, { width: 160, height: 120, data });
    });
    const { send, out, complete } = sink(recordVideo({ directory }));
    const settled = noise.map((each) => send(each));
    await until('the warning', () => warnings.length > 0);
    expect(warnings[0]).toContain('the disk is full');
    rmSync(ballast);
    await complete();
    expect(await Promise.all(settled)).toEqual(settled.map(() => ({})));
    expect(out).toMatchObject([{ frames: 25 }]);
    expect(await timesOf(join(directory, out[0]?.path ?? ''))).toHaveLength(25);
  });

  test('limits remove the oldest clips', async () => {
    const directory = temporaryFolder();
    const values = [0, 1, 2, 3].map((index) => frame(index, { time: noon + index * 86_400_000 }));
    const first = await record(values.slice(0, 3), { directory });
    expect(first).toHaveLength(3);
    const [last] = await record(values.slice(3), { directory, maxCount: 2 });
    expect(clipsOf(directory)).toEqual([first[2]?.path, last?.path]);
    expect(readdirSync(directory)).toHaveLength(2);
  });

  test('frames that cannot be recorded fail their deliveries alone', async () => {
    const { send, out, complete } = sink(
      recordVideo<Frame>({ directory: temporaryFolder(), when: ({ index }) => index < 3 || (JSON.parse('{') as boolean) }),
    );
    expect((await send(frame(0, { time: NaN }))).failed?.error).toMatchObject({ code: 'FRAME_INVALID' });
    expect((await send(frame(0, { data: new Uint8Array(3) }))).failed?.error).toMatchObject({ code: 'FRAME_INVALID' });
    expect((await send(frame(3))).failed?.error).toBeInstanceOf(SyntaxError);
    const broken = send(frame(1, { format: 'jpeg', data: Uint8Array.of(0xff, 0xd8, 0xff, 0xd9) }));
    const good = send(frame(2));
    await complete();
    expect((await broken).failed).toBeDefined();
    expect(await good).toEqual({});
    expect(out).toMatchObject([{ frames: 1 }]);
  });

  test('without the encoder, the stream fails', async () => {
    await expect(record(frames(1), { directory: temporaryFolder(), encoder: 'none' })).rejects.toMatchObject({ code: 'FFMPEG_MISSING' });
    setEnv('EDGEFLOW_FFMPEG', '/nowhere/ffmpeg');
    await expect(record(frames(1), { directory: temporaryFolder() })).rejects.toMatchObject({
      code: 'FFMPEG_MISSING',
      message: expect.stringMatching(/^recordVideo: /) as string,
    });
  });

  test.each([
    { directory: '' },
    { segmentMs: 0 },
    { fragmentMs: NaN },
    { preRollMs: -1 },
    { fps: 0 },
    { encoder: 'x264; rm' },
    { maxBytes: 0 },
    { durability: 'none' },
    { patienceMs: NaN },
  ])('options %o', (options) => {
    expect(() => recordVideo({ directory: 'x', ...options } as RecordVideoOptions<Frame>)).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID' }),
    );
  });
});
