import { execFile } from 'node:child_process';
import { appendFileSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EdgeFlowError } from 'edgeflow';
import { logTo } from 'edgeflow/operators';
import type { LogToOptions } from 'edgeflow/operators';
import { Subject, from, lastValueFrom, of, range, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { deliver } from '#src/flow/delivery.js';
import type { Settlement } from '#src/flow/delivery.js';
import { fixture, temporaryFolder } from './systemSupport.js';

const run = promisify(execFile);
const lines = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

function send<T>(values: Subject<T>, value: T): Promise<Settlement> {
  return new Promise((resolve) => {
    deliver({ id: 'm', onSettled: resolve }, () => {
      values.next(value);
    });
  });
}

test('writes each value as a line and passes it on', async () => {
  const path = join(temporaryFolder(), 'deep/er/log.jsonl');
  const values = [{ a: 1 }, 'two\nlines', null, [3]];
  expect(await lastValueFrom(from(values).pipe(logTo(path), toArray()))).toEqual(values);
  expect(lines(path)).toEqual(values);
});

test('summarises bytes, and has a form for what JSON has none for', async () => {
  const path = join(temporaryFolder(), 'log.jsonl');
  const circle: Record<string, unknown> = { big: 12n, when: new Date(0), set: new Set([1]), map: new Map([['k', 1]]) };
  circle.self = circle;
  const values = [
    { data: new Uint8Array(6_220_800), buffer: Buffer.alloc(5), view: new Float32Array(2), raw: new ArrayBuffer(7) },
    circle,
    new EdgeFlowError('STORE_FAILED', 'why'),
    undefined,
  ];
  await lastValueFrom(from(values).pipe(logTo(path)));
  expect(lines(path)).toEqual([
    { data: { bytes: 6_220_800 }, buffer: { bytes: 5 }, view: { bytes: 8 }, raw: { bytes: 7 } },
    { big: '12', when: '1970-01-01T00:00:00.000Z', set: [1], map: { k: 1 }, self: '[circular]' },
    { name: 'EdgeFlowError', code: 'STORE_FAILED', message: 'why' },
    null,
  ]);
});

test('a pipe is never full, and stays where it is', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'log.jsonl');
  await run('mkfifo', [path]);
  const reader = run('head', ['-n', '3', path]);
  await lastValueFrom(range(1000, 3).pipe(logTo(path, { maxBytes: 5, concurrency: 1 })));
  expect((await reader).stdout).toBe('1000\n1001\n1002\n');
  expect(readdirSync(folder)).toEqual(['log.jsonl']);
});

test('the line is in the file when the delivery settles', async () => {
  const path = join(temporaryFolder(), 'log.jsonl');
  const values = new Subject<number>();
  const subscription = values.pipe(logTo(path)).subscribe();
  for (let value = 0; value < 5; value++) {
    expect(await send(values, value)).toEqual({});
    expect(lines(path).at(-1)).toBe(value);
  }
  subscription.unsubscribe();
});

test('a full disk fails the delivery', async () => {
  const values = new Subject<number>();
  const subscription = values.pipe(logTo('/dev/full')).subscribe();
  for (let attempt = 0; attempt < 2; attempt++)
    expect((await send(values, 1)).failed?.error).toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('the disk is full') as string,
    });
  subscription.unsubscribe();
});

test('what select throws fails its delivery, and the next value is logged', async () => {
  const path = join(temporaryFolder(), 'log.jsonl');
  const values = new Subject<{ x?: { y: number } }>();
  const subscription = values.pipe(logTo(path, { select: (value) => (value.x ?? JSON.parse('{')) as unknown })).subscribe();
  expect((await send(values, {})).failed?.error).toBeInstanceOf(SyntaxError);
  expect(await send(values, { x: { y: 1 } })).toEqual({});
  expect(lines(path)).toEqual([{ y: 1 }]);
  subscription.unsubscribe();
});

test('a torn line is closed off', async () => {
  const path = join(temporaryFolder(), 'log.jsonl');
  await lastValueFrom(of(1).pipe(logTo(path)));
  appendFileSync(path, '{"torn":');
  await lastValueFrom(of(2).pipe(logTo(path)));
  expect(readFileSync(path, 'utf8')).toBe('1\n{"torn":\n2\n');
});

test('follows a file that another program renamed', async () => {
  const path = join(temporaryFolder(), 'log.jsonl');
  const values = new Subject<number>();
  const subscription = values.pipe(logTo(path)).subscribe();
  await send(values, 1);
  renameSync(path, `${path}.1`);
  await send(values, 2);
  subscription.unsubscribe();
  expect([lines(`${path}.1`), lines(path)]).toEqual([[1], [2]]);
});

test('puts full files aside and keeps so many', async () => {
  const folder = temporaryFolder();
  await lastValueFrom(range(1000, 50).pipe(logTo(join(folder, 'log.jsonl'), { maxBytes: 25, maxFiles: 3, concurrency: 1 })));
  const names = readdirSync(folder);
  expect(names.length).toBeLessThanOrEqual(3);
  const kept = names.sort().flatMap((name) => lines(join(folder, name)) as number[]);
  // Files of one millisecond have no order among them.
  expect(kept.sort()).toEqual(Array.from({ length: kept.length }, (_, index) => 1050 - kept.length + index));
});

test('two processes that log to one file and put it aside lose and tear nothing', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'log.jsonl');
  await Promise.all([0, 1000].map((first) => run(process.execPath, [fixture('log-lines.mjs'), path, String(first), '400'])));
  const values = readdirSync(folder).flatMap((name) => lines(join(folder, name)) as { value: number }[]);
  expect(values.map(({ value }) => value).sort((a, b) => a - b)).toEqual(
    [0, 1000].flatMap((first) => Array.from({ length: 400 }, (_, index) => first + index)),
  );
  expect(readdirSync(folder).length).toBeGreaterThan(5);
});

test('can be subscribed again', async () => {
  const path = join(temporaryFolder(), 'log.jsonl');
  const logged = of(1).pipe(logTo(path));
  await lastValueFrom(logged);
  await lastValueFrom(logged);
  expect(lines(path)).toEqual([1, 1]);
});

test('stdout', async () => {
  const code =
    "import { logTo } from 'edgeflow/operators'; import { of } from 'rxjs'; of({ a: 1 }, [2]).pipe(logTo('stdout')).subscribe();";
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code]);
  expect(stdout).toBe('{"a":1}\n[2]\n');
});

test.each([
  ['', {}],
  ['x', { maxBytes: 0 }],
  ['x', { maxFiles: 0 }],
  ['x', { durability: 'none' }],
])('options %j %o', (target, options) => {
  expect(() => logTo(target, options as LogToOptions<unknown>)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});
