import { connect } from 'node:net';
import { get, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { camera, decodeImage, serveMjpeg, tileFrames } from 'edgeflow/operators';
import type { Frame, ServeMjpegOptions, TiledFrame } from 'edgeflow/operators';
import { firstValueFrom, of, Subject, take, toArray } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sink } from './sinkSupport.js';
import { plainFrame } from './support.js';
import { lacks, until } from './systemSupport.js';

/** A frame of one colour, in which every channel has this value. */
function shade(source: string, index: number, value: number, changes: Partial<Frame> = {}): Frame {
  const frame = plainFrame(32, 18, { source, index, time: 1_000 + index, ...changes });
  frame.data.fill(value);
  return frame;
}

/** Red of the pixel in the middle of each tile. */
const shades = ({ tiles, data, width }: TiledFrame): number[] =>
  tiles.map(
    ({ box: [left, top, right, bottom] }) => data[(Math.floor((top + bottom) / 2) * width + Math.floor((left + right) / 2)) * 3] ?? -1,
  );

describe('tileFrames', () => {
  test('each tile has the newest frame of its source; those that were replaced settle at once, the others with their picture', async () => {
    const { send, out, complete } = sink(tileFrames({ sources: ['a', 'b', 'c'], columns: 2, width: 64 }));
    const settled: string[] = [];
    const sent = [shade('a', 0, 10), shade('b', 0, 20), shade('a', 1, 30), shade('a', 2, 40)].map((frame) =>
      send(frame).then((end) => {
        settled.push(`${frame.source}${frame.index}`);
        return end;
      }),
    );
    expect(await Promise.all(sent)).toEqual(sent.map(() => ({})));
    await complete();
    // While a0 was drawn, a1 was replaced; b0 and a2 are in the next picture.
    expect(settled).toEqual(['a1', 'a0', 'b0', 'a2']);
    expect(out.map(shades)).toEqual([
      [10, 0, 0],
      [40, 20, 0],
    ]);
    expect(out[1]).toMatchObject({ width: 64, height: 36, format: 'rgb24', index: 1, time: 1_002, source: 'wall' });
    expect(out[1]?.tiles).toEqual([
      { source: 'a', box: [0, 0, 32, 18], index: 2, time: 1_002, stale: false },
      { source: 'b', box: [32, 0, 64, 18], index: 0, time: 1_000, stale: false },
      { source: 'c', box: [0, 18, 32, 36], index: undefined, time: undefined, stale: false },
    ]);
  });

  test('frames of every size and format fit into their tiles whole', async () => {
    const wide = shade('wide', 0, 200, { width: 64, height: 18, data: new Uint8Array(64 * 18 * 3) });
    const tall = shade('tall', 0, 100, { width: 9, height: 18, format: 'gray8', data: new Uint8Array(9 * 18) });
    const { send, out } = sink(tileFrames({ sources: ['wide', 'tall'], columns: 2, width: 64 }));
    await Promise.all([send(wide), send(tall)]);
    const last = out.at(-1);
    expect(last?.height).toBe(18);
    expect(last && shades(last)).toEqual([200, 100]);
    const red = (x: number, y: number): number | undefined => last?.data[(y * 64 + x) * 3];
    // Black above and below what is wide, and beside what is tall; all three channels of gray.
    expect([red(16, 0), red(16, 17), red(33, 9), red(62, 9)]).toEqual([0, 0, 0, 0]);
    expect(last?.data.subarray((9 * 64 + 48) * 3, (9 * 64 + 48) * 3 + 3)).toEqual(Uint8Array.of(100, 100, 100));
  });

  test('a source that falls silent becomes gray and dark, and bright again', async () => {
    const red = (index: number): Frame => {
      const frame = shade('a', index, 0);
      for (let at = 0; at < frame.data.length; at += 3) frame.data[at] = 200;
      return frame;
    };
    const { send, out } = sink(tileFrames({ sources: ['a', 'b'], columns: 2, width: 64, staleMs: 50 }));
    await send(red(0));
    expect(out.at(-1)?.data.subarray(0, 3)).toEqual(Uint8Array.of(200, 0, 0));
    await until('that it is stale', () => out.at(-1)?.tiles[0]?.stale === true);
    expect(out.at(-1)?.data.subarray(0, 3)).toEqual(Uint8Array.of(29, 29, 29));
    expect(out.at(-1)?.tiles).toMatchObject([{ index: 0 }, { index: undefined, stale: false }]);
    // It is told once.
    const before = out.length;
    await send(shade('b', 0, 70));
    expect(out).toHaveLength(before + 1);
    await send(red(1));
    expect(out.at(-1)?.tiles[0]).toMatchObject({ index: 1, stale: false });
    expect(out.at(-1)?.data.subarray(0, 3)).toEqual(Uint8Array.of(200, 0, 0));
  });

  test('frames that cannot be shown fail alone, and their tiles stay as they were', async () => {
    const { send, out, complete } = sink(tileFrames({ sources: ['a', 'b'], columns: 2, width: 64 }));
    await send(shade('a', 0, 10));
    const cut = { ...shade('a', 1, 99), data: new Uint8Array(3) };
    const jpeg = plainFrame(32, 18, { source: 'a', format: 'jpeg', data: Uint8Array.of(0xff, 0xd8, 0xff, 0xd9) });
    const ends = await Promise.all([send(cut), send(jpeg), send(shade('b', 0, 20)), send(shade('x', 0, 30))]);
    expect(ends.map(({ failed }) => (failed?.error as { code?: string } | undefined)?.code)).toEqual([
      'FRAME_INVALID',
      'IMAGE_INVALID',
      undefined,
      'FRAME_INVALID',
    ]);
    await complete();
    expect(out.map(shades).at(-1)).toEqual([10, 20]);
  });

  test.each([{ sources: [] }, { sources: ['a', 'a'] }, { columns: 0 }, { width: 0 }, { aspectRatio: NaN }, { staleMs: 0 }])(
    'options %o',
    (options) => {
      expect(() => tileFrames({ sources: ['a'], ...options })).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
    },
  );
});

/** A server of frames, and its address. */
async function served(options: ServeMjpegOptions = {}) {
  let url = '';
  const found = sink(serveMjpeg({ port: 0, onListening: (at) => (url = at), ...options }));
  onTestFinished(() => found.complete());
  await until('the server', () => url !== '');
  return { ...found, url, at: (path: string) => new URL(path, url).href };
}

const answerOf = async (url: string, options: Parameters<typeof request>[1] = {}): Promise<[number | undefined, string]> => {
  const [response] = (await once(request(url, options).end(), 'response')) as [IncomingMessage];
  return [response.statusCode, (await buffer(response)).toString('latin1')];
};

describe('serveMjpeg', () => {
  test.skipIf(lacks('ffmpeg'))('a camera plays what is served', async () => {
    const { send, out, url } = await served();
    expect(await send(shade('test', 0, 90))).toEqual({});
    expect(out).toMatchObject([{ format: 'jpeg', index: 0, source: 'test' }]);
    const seen: Frame[] = [];
    const playing = camera({ source: url, name: 'again' }).subscribe((frame) => seen.push(frame));
    onTestFinished(() => {
      playing.unsubscribe();
    });
    const isSeen = (value: number) => async (): Promise<boolean> => {
      await send(shade('test', 1, value));
      return Math.abs((seen.at(-1)?.data[0] ?? 0) - value) < 3;
    };
    await until('pictures', isSeen(90));
    expect(seen[0]).toMatchObject({ width: 32, height: 18, source: 'again' });
    await until('other pictures', isSeen(180));
  });

  test('a viewer who does not read gets the newest later, and holds up nobody', async () => {
    const { send, url } = await served();
    const { port } = new URL(url);
    const viewer = connect(Number(port), '127.0.0.1');
    onTestFinished(() => {
      viewer.destroy();
    });
    viewer.write('GET /video.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const noise = (index: number): Frame => {
      const frame = plainFrame(800, 600, { index, time: index });
      for (let at = 0; at < frame.data.length; at += 60_000) crypto.getRandomValues(frame.data.subarray(at, at + 60_000));
      return frame;
    };
    const { data: jpeg } = (await send(noise(0)), await firstValueFrom(of(noise(0)).pipe(serveMjpeg({ port: 0 }))));
    expect(jpeg.length).toBeGreaterThan(300_000);
    // More than the sockets take: he is not reading.
    for (let index = 1; index <= 40; index++)
      expect(await send({ ...noise(0), data: jpeg, format: 'jpeg', index, time: index * 1_000 })).toEqual({});
    const seen: number[] = [];
    let text = '';
    viewer.setEncoding('latin1').on('data', (more: string) => {
      text = (text + more).slice(-3_000_000);
      for (const [, seconds] of text.matchAll(/X-Timestamp: ([\d.]+)\r\n/g))
        if (seen.at(-1) !== Number(seconds)) seen.push(Number(seconds));
      if (text.length > 2_000_000) text = text.slice(-100);
    });
    await until('the newest', () => seen.includes(40));
    expect(new Set(seen).size).toBeLessThan(40);
  });

  test('has a page, a still, and an answer to everything else', async () => {
    const { send, at, url } = await served({ maxViewers: 1 });
    expect((await answerOf(at('/picture.jpg')))[0]).toBe(503);
    await send(shade('test', 0, 90));
    const [status, still] = await answerOf(at('/picture.jpg'));
    expect(status).toBe(200);
    const picture = await firstValueFrom(of(new Uint8Array(Buffer.from(still, 'latin1'))).pipe(decodeImage()));
    expect(picture).toMatchObject({ width: 32, height: 18 });
    expect(await answerOf(at('/'))).toEqual([200, expect.stringContaining('video.mjpg')]);
    expect(await answerOf(at('/elsewhere'))).toEqual([404, expect.stringContaining('/video.mjpg')]);
    expect((await answerOf(at('/'), { method: 'POST' }))[0]).toBe(405);
    // A page of another origin whose name was made to lead here.
    expect((await answerOf(at('/picture.jpg'), { headers: { host: 'evil.example:80' } }))[0]).toBe(421);
    const [viewer] = (await once(get(url), 'response')) as [IncomingMessage];
    expect(await answerOf(url)).toEqual([503, expect.stringContaining('1 viewers')]);
    viewer.destroy();
    await until('the viewer to be gone', async () => {
      const response = await fetch(url);
      await response.body?.cancel();
      return response.status === 200;
    });
  });

  test('viewers are sent away with the last picture when the source completes, and the port is free', async () => {
    let url = '';
    const frames = new Subject<Frame>();
    const all = firstValueFrom(frames.pipe(serveMjpeg({ port: 0, onListening: (at) => (url = at) }), toArray()));
    await until('the server', () => url !== '');
    const [viewer] = (await once(get(url), 'response')) as [IncomingMessage];
    frames.next(shade('test', 0, 90));
    frames.complete();
    expect((await buffer(viewer)).toString('latin1')).toMatch(/Content-Length: \d+\r\n[^]*--edgeflow-frame--\r\n$/);
    expect(await all).toHaveLength(1);
    const again = new Subject<Frame>();
    const serving = again.pipe(serveMjpeg({ port: Number(new URL(url).port) })).subscribe();
    serving.unsubscribe();
  });

  test('an address that is taken is the error of the stream', async () => {
    const { url } = await served();
    const second = new Subject<Frame>().pipe(serveMjpeg({ port: Number(new URL(url).port) }), take(1));
    await expect(firstValueFrom(second)).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: expect.stringMatching(/cannot listen on 127\.0\.0\.1:\d+ .*EADDRINUSE/) as string,
    });
  });

  test.each([{ port: -1 }, { port: 70_000 }, { host: '' }, { quality: 0 }, { maxViewers: 0 }])('options %o', (options) => {
    expect(() => serveMjpeg(options)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
  });
});
