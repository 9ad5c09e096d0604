import { afterMs, batch, longestTimerMs, sleepMs } from 'edgeflow';
import { compareOutputs, tileFrames, windowByTime } from 'edgeflow/operators';
import { NEVER, startWith } from 'rxjs';
import type { Observable } from 'rxjs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Idle } from '#operators/streams/idle.js';
import { endSignal } from '#src/cli/endSignal.js';
import { turn } from './flow/support.js';

const month = 30 * 86_400_000;

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date'] }));
afterEach(() => vi.useRealTimers());

test('a month passes, and not a millisecond', () => {
  const call = vi.fn();
  afterMs(month, call);
  afterMs(month, () => expect.unreachable('it was stopped')).unsubscribe();
  afterMs(Infinity, () => expect.unreachable('never'));
  afterMs(0, call);
  vi.advanceTimersByTime(0);
  expect(call).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(month - 1);
  expect(call).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  expect(call).toHaveBeenCalledTimes(2);
  expect(vi.getTimerCount()).toBe(0);
});

/** Collects what a timer was asked to wait. */
function spans(): number[] {
  const asked: number[] = [];
  for (const name of ['setInterval', 'setTimeout'] as const) {
    const original = globalThis[name] as (...args: unknown[]) => NodeJS.Timeout;
    vi.spyOn(globalThis, name).mockImplementation((...args: unknown[]) => {
      asked.push(args[1] as number);
      return original(...args);
    });
  }
  return asked;
}

test.each<[string, (ms: number) => Observable<unknown>]>([
  ['batch', (maxWaitMs) => NEVER.pipe(startWith(1), batch(2, { maxWaitMs }))],
  ['windowByTime', (idleMs) => NEVER.pipe(startWith({ time: 1 }), windowByTime({ ms: 10, idleMs }))],
  ['compareOutputs', (waitMs) => compareOutputs({ live: NEVER.pipe(startWith({ source: 'a', index: 1 })), candidate: NEVER }, { waitMs })],
  ['tileFrames', (staleMs) => NEVER.pipe(tileFrames({ sources: ['a'], staleMs }))],
])('%s asks no timer for more than it can wait', (_, make) => {
  for (const ms of [5 * month, Infinity]) {
    const asked = spans();
    make(ms).subscribe().unsubscribe();
    expect(asked.filter((span) => span > longestTimerMs)).toEqual([]);
    vi.restoreAllMocks();
  }
});

test('what is idle for a month is told of then', () => {
  const onIdle = vi.fn();
  const idle = new Idle(month, onIdle);
  idle.touch();
  vi.advanceTimersByTime(month - 1);
  expect(onIdle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onIdle).toHaveBeenCalledTimes(1);
});

test('a command that is to end after a month does not end at once', () => {
  const end = endSignal(month);
  vi.advanceTimersByTime(month - 1);
  expect(end.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(end.signal.aborted).toBe(true);
  end.release();
});

test('a sleep of a month asks no timer for more than it can wait, and ends when it is aborted', async () => {
  const warn = vi.spyOn(process, 'emitWarning');
  const end = new AbortController();
  const sleep = sleepMs(month, end.signal);
  await turn();
  end.abort();
  await expect(sleep).rejects.toMatchObject({ name: 'AbortError' });
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});
