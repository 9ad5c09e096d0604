import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { mapAsync } from 'edgeflow';
import { camera } from 'edgeflow/operators';
import type { CameraEvent, CameraOptions, Frame } from 'edgeflow/operators';
import { lastValueFrom } from 'rxjs';
import type { Subscription } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { childrenOf, fixture, lacks, until } from './systemSupport.js';

const script = fixture('rtspServer.py');

/** A Python that has GStreamer's RTSP server; Debian's bindings are for its own Python, which need not be first on PATH. */
function findPython(): string | undefined {
  const reasons: string[] = [];
  for (const python of ['/usr/bin/python3', 'python3']) {
    const { status, stderr, error } = spawnSync(python, [script, 'check'], { encoding: 'utf8' });
    if (status === 0) return python;
    reasons.push(`${python}: ${error?.message ?? stderr.trim()}`);
  }
  console.warn(`skipped: there is no RTSP server to test with; .ci/setup names the packages\n  ${reasons.join('\n  ')}`);
  return undefined;
}

const python = lacks('ffmpeg') ? undefined : findPython();

interface RtspServer {
  readonly port: number;
  /** How many pictures the newest viewer was sent. */
  readonly sent: () => number;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Ends it as a power cut does. */
  readonly kill: () => Promise<void>;
}

async function serve(port = 0): Promise<RtspServer> {
  const child = spawn(python ?? '', [script, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const said = { port: 0, sent: 0 };
  createInterface(child.stdout).on('line', (line) => {
    const [what, count] = line.split(' ');
    if (what === 'port' || what === 'sent') said[what] = Number(count);
  });
  await until('the RTSP server', () => said.port > 0 || child.exitCode !== null);
  if (said.port === 0) throw new Error(`the RTSP server ended with code ${child.exitCode}`);
  return {
    port: said.port,
    sent: () => said.sent,
    signal: (signal) => child.kill(signal),
    kill: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

function url({ port }: RtspServer, { password = 'pa55word', path = 'live' } = {}): string {
  return `rtsp://viewer:${password}@127.0.0.1:${port}/${path}`;
}

/** A camera that is being watched, and what came of it. */
interface Watch {
  readonly frames: Frame[];
  readonly events: CameraEvent[];
  readonly errors: unknown[];
  readonly subscription: Subscription;
  readonly count: (type: CameraEvent['type']) => number;
}

function watch(options: CameraOptions, work: (frame: Frame) => Promise<void> = () => Promise.resolve()): Watch {
  const frames: Frame[] = [];
  const events: CameraEvent[] = [];
  const errors: unknown[] = [];
  const subscription = camera({
    reconnect: { initialDelayMs: 50, maxDelayMs: 400 },
    // ffmpeg looks at a stream for up to five seconds before it starts, unless it is told otherwise.
    inputArguments: ['-analyzeduration', '100000', '-probesize', '32768'],
    onEvent: (event) => events.push(event),
    ...options,
  })
    .pipe(
      mapAsync(async (frame) => {
        frames.push(frame);
        await work(frame);
      }),
    )
    .subscribe({ error: (error: unknown) => errors.push(error) });
  onTestFinished(() => {
    subscription.unsubscribe();
  });
  return { frames, events, errors, subscription, count: (type) => events.filter((event) => event.type === type).length };
}

function passedOver(events: readonly CameraEvent[]): number {
  return events.reduce((sum, event) => sum + (event.type === 'passedOver' ? event.count : 0), 0);
}

function expectRising(numbers: readonly number[]): void {
  expect(numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0))).toBe(true);
}

/** Red, green and blue in the middle of the top, `across` of the way from left to right. */
function colour({ data, width }: Frame, across: number): number[] {
  const at = (10 * width + Math.floor(width * across)) * 3;
  return [...data.subarray(at, at + 3)];
}

function expectColour(frame: Frame, across: number, expected: readonly number[]): void {
  const found = colour(frame, across);
  expected.forEach((level, channel) => {
    expect(Math.abs((found[channel] ?? NaN) - level)).toBeLessThan(24);
  });
}

async function noFfmpeg(): Promise<void> {
  await until('the end of ffmpeg', () => childrenOf(process.pid, 'ffmpeg').length === 0);
}

describe.skipIf(python === undefined)('camera on an RTSP server', () => {
  test('gives the pictures with their size, time and number, and leaves no ffmpeg', async () => {
    const server = await serve();
    const start = Date.now();
    const { frames, events, subscription } = watch({ source: url(server) });
    await until('frames', () => frames.length >= 25);
    expect(childrenOf(process.pid, 'ffmpeg')).toHaveLength(1);
    subscription.unsubscribe();
    await noFfmpeg();

    expect(events[0]).toEqual({ type: 'open', width: 320, height: 240 });
    for (const frame of frames) {
      expect(frame).toMatchObject({ width: 320, height: 240, format: 'rgb24', source: `127.0.0.1:${server.port}/live` });
      expect(frame.data).toHaveLength(320 * 240 * 3);
      // The first and the last of SMPTE's seven bars.
      expectColour(frame, 1 / 14, [255, 255, 255]);
      expectColour(frame, 13 / 14, [0, 0, 255]);
    }
    expectRising(frames.map(({ index }) => index));
    expect(frames.at(-1)?.index).toBe(frames.length - 1 + passedOver(events));
    const times = [start, ...frames.map(({ time }) => time), Date.now()];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('connects again when the server was killed and is back, and goes on counting', async () => {
    const server = await serve();
    const { frames, events, errors, count } = watch({ source: url(server) });
    await until('frames', () => frames.length >= 10);
    await server.kill();
    await until('three attempts', () => count('reconnect') >= 3);
    const attempts = events.flatMap((event) => (event.type === 'reconnect' ? [event] : []));
    expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_, at) => at + 1));
    expect(attempts[2]?.delayMs).toBeGreaterThan(2 * (attempts[0]?.delayMs ?? Infinity));
    expect(attempts[1]?.reason).toContain('Connection refused');

    const seen = frames.length;
    await serve(server.port);
    await until('frames of the second server', () => frames.length >= seen + 10);
    expect(count('open')).toBe(2);
    expectRising(frames.map(({ index }) => index));
    expect(frames.at(-1)?.index).toBe(frames.length - 1 + passedOver(events));
    expect(errors).toEqual([]);
    expect(JSON.stringify(events)).not.toContain('pa55word');
  });

  test('leaves a server that freezes, and comes back when it thaws', async () => {
    const server = await serve();
    const { frames, events, subscription, count } = watch({ source: url(server), stallTimeoutMs: 2_000 });
    await until('frames', () => frames.length >= 10);
    const before = count('reconnect');
    server.signal('SIGSTOP');
    await until('two attempts', () => count('reconnect') >= before + 2);
    const seen = frames.length;
    server.signal('SIGCONT');
    await until('frames of the thawed server', () => frames.length >= seen + 10);
    expect(events.some((event) => event.type === 'reconnect' && event.reason.includes('no picture for 2000 ms'))).toBe(true);
    expectRising(frames.map(({ index }) => index));

    server.signal('SIGSTOP');
    subscription.unsubscribe();
    await noFfmpeg();
  });

  test('gives a slow consumer recent pictures: its lag does not grow', async () => {
    const server = await serve();
    const lags: number[] = [];
    const { frames, events } = watch({ source: url(server), width: 160 }, async ({ index }) => {
      const sent = server.sent();
      lags.push(sent - index);
      await until('40 more pictures', () => server.sent() >= sent + 40);
    });
    await until('four frames', () => frames.length >= 4);

    const [first] = frames;
    expect(first).toMatchObject({ width: 160, height: 120 });
    // A queue would fall behind by 39 more pictures with each frame.
    expect((lags.at(-1) ?? NaN) - (lags[0] ?? NaN)).toBeLessThan(39);
    expect(passedOver(events)).toBeGreaterThan(39);
    expect(frames.at(-1)?.index).toBe(frames.length - 1 + passedOver(events));
  });

  test.each([
    ['a wrong path', { path: 'nowhere' }, '404 Not Found'],
    ['a wrong password', { password: 'hunter2' }, '401 Unauthorized'],
  ])('%s fails once and for all, without the password', async (_, wrong, reason) => {
    const server = await serve();
    const events: CameraEvent[] = [];
    const stream = camera({ source: url(server, wrong), onEvent: (event) => events.push(event) });
    const error: unknown = await lastValueFrom(stream).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'SOURCE_FAILED' });
    expect(String(error)).toContain(reason);
    expect(String(error)).toContain(`rtsp://***@127.0.0.1:${server.port}`);
    expect(String(error)).not.toMatch(/hunter2|pa55word/);
    expect(events).toEqual([]);
    await noFfmpeg();
  });
});
