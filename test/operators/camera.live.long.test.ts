import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mapAsync } from 'edgeflow';
import { camera } from 'edgeflow/operators';
import type { CameraEvent } from 'edgeflow/operators';
import { lastValueFrom } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { childrenOf, fixture, freePort, isRunning, lacks, until } from './systemSupport.js';

/** A live stream that serves one viewer over HTTP and does not wait for it. */
function serve(port: number, seconds: number): ChildProcess {
  const server = spawn(
    'ffmpeg',
    [
      ...['-v', 'error', '-re', '-f', 'lavfi', '-i', `testsrc2=size=160x120:rate=25:duration=${seconds}`],
      ...['-c:v', 'mpeg2video', '-g', '5', '-f', 'mpegts', '-listen', '1', `http://127.0.0.1:${port}/live.ts`],
    ],
    { stdio: 'ignore' },
  );
  onTestFinished(() => {
    server.kill('SIGKILL');
  });
  return server;
}

/** ffmpeg looks at a stream for up to five seconds before it starts, unless it is told otherwise. */
const quickStart = ['-analyzeduration', '100000', '-probesize', '32768'];

describe.skipIf(lacks('ffmpeg'))('live sources', () => {
  test('connects when the server appears, again when it is back, and goes on counting', async () => {
    const port = await freePort();
    const events: CameraEvent[] = [];
    const indexes: number[] = [];
    const reconnects = (): number => events.filter(({ type }) => type === 'reconnect').length;
    const subscription = camera({
      source: `http://127.0.0.1:${port}/live.ts`,
      reconnect: { initialDelayMs: 50, maxDelayMs: 200 },
      inputArguments: quickStart,
      onEvent: (event) => events.push(event),
    }).subscribe(({ index }) => indexes.push(index));
    onTestFinished(() => {
      subscription.unsubscribe();
    });

    await until('three attempts', () => reconnects() >= 3);
    const delays = events.flatMap((event) => (event.type === 'reconnect' ? [event.delayMs / 50] : []));
    expect(delays[0]).toBeCloseTo(1, 0);
    expect(delays[2]).toBeGreaterThan(2);
    expect(indexes).toEqual([]);

    serve(port, 3);
    await until('frames', () => indexes.length > 10);
    const before = reconnects();
    await until('the end of the stream', () => reconnects() > before);
    const seen = indexes.length;
    serve(port, 5);
    await until('frames of the second server', () => indexes.length > seen + 10);
    expect(indexes.every((index, at) => at === 0 || index > (indexes[at - 1] ?? 0))).toBe(true);
  });

  test('gives the newest picture to a slow consumer and counts what it passed over', async () => {
    const port = await freePort();
    const events: CameraEvent[] = [];
    const taken: number[] = [];
    const passedOver = (): number => events.reduce((sum, event) => sum + (event.type === 'passedOver' ? event.count : 0), 0);
    const subscription = camera({
      source: `http://127.0.0.1:${port}/live.ts`,
      reconnect: { initialDelayMs: 50, maxDelayMs: 100 },
      inputArguments: quickStart,
      onEvent: (event) => events.push(event),
    })
      .pipe(
        mapAsync(async ({ index }) => {
          taken.push(index);
          await new Promise((done) => setTimeout(done, 300));
        }),
      )
      .subscribe();
    onTestFinished(() => {
      subscription.unsubscribe();
    });
    serve(port, 60);
    await until('pictures passed over', () => passedOver() > 10 && taken.length >= 4);
    const gaps = taken.slice(1).map((index, at) => index - (taken[at] ?? 0) - 1);
    expect(gaps.reduce((sum, gap) => sum + gap, 0)).toBe(passedOver());
  });

  test('a dead RTSP address fails after the attempts that were allowed, without its password', async () => {
    const port = await freePort();
    const events: CameraEvent[] = [];
    const source = `rtsp://user:hunter2@127.0.0.1:${port}/stream?token=s3cret`;
    const reconnect = { initialDelayMs: 10, maxAttempts: 2 };
    const error: unknown = await lastValueFrom(camera({ source, reconnect, onEvent: (event) => events.push(event) })).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(String(error)).toContain(`127.0.0.1:${port}`);
    expect(String(error) + JSON.stringify(events)).not.toMatch(/hunter2|s3cret/);
    expect(events).toHaveLength(2);
  });

  test('refused credentials are not tried again', async () => {
    const server = createHttpServer((_request, response) => response.writeHead(401).end()).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.close();
    });
    await until('the server', () => server.listening);
    const { port } = server.address() as AddressInfo;
    const events: CameraEvent[] = [];
    const stream = camera({ source: `http://user:wrong@127.0.0.1:${port}/live`, onEvent: (event) => events.push(event) });
    await expect(lastValueFrom(stream)).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
    expect(events).toEqual([]);
  });

  test('a server that says nothing is left and tried again', async () => {
    let callers = 0;
    const server = createServer((socket) => {
      callers++;
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await until('the server', () => server.listening);
    const { port } = server.address() as AddressInfo;
    const subscription = camera({
      source: `tcp://127.0.0.1:${port}`,
      stallTimeoutMs: 1_000,
      reconnect: { initialDelayMs: 10 },
      onEvent: () => undefined,
    }).subscribe();
    onTestFinished(() => {
      subscription.unsubscribe();
      server.close();
    });
    await until('two calls', () => callers >= 2);
  });
});

describe.skipIf(lacks('ffmpeg'))('a process that runs a camera and is killed', () => {
  test.each([
    ['with what this machine has', {}],
    ['without setpriv', { PATH: '/nonexistent', EDGEFLOW_FFMPEG: '/usr/bin/ffmpeg' }],
  ])('leaves no ffmpeg: %s', async (_, env) => {
    const child = spawn(process.execPath, [fixture('run-camera.mjs'), 'lavfi:testsrc2=size=640x480:rate=30'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    await new Promise((frame) => child.stdout.once('data', frame));
    const [ffmpeg] = childrenOf(child.pid ?? 0, 'ffmpeg');
    if (ffmpeg === undefined) throw new Error('no ffmpeg runs');
    child.kill('SIGKILL');
    await until('the end of ffmpeg', () => !isRunning(ffmpeg));
  });
});
