import { batch, fromPull, mapAsync } from 'edgeflow';
import * as operators from 'edgeflow/operators';
import { NEVER } from 'rxjs';
import { expect, test } from 'vitest';

const { camera, detectMotion, images, joinByTime, logTo, notify, recordVideo, replay, speed, storeBlob, tileFrames } = operators;
const { toCsv, toMqtt, toParquet, toWebhook, trackObjects, windowByTime } = operators;

/** As of a program without types, or of options that were read from a file. */
const text = '5' as unknown as number;
test.each<[string, () => unknown]>([
  ['windowByTime', () => windowByTime({ ms: text })],
  ['joinByTime', () => joinByTime({ a: NEVER, b: NEVER }, { toleranceMs: text })],
  ['trackObjects', () => trackObjects({ maxLostMs: text })],
  ['detectMotion', () => detectMotion({ threshold: text })],
  ['speed', () => speed({ homography: [1, 0, 0, 0, 1, 0, 0, 0, 1], windowMs: text })],
  ['tileFrames', () => tileFrames({ sources: ['a'], staleMs: text })],
  ['images', () => images('x.png', { fps: text })],
  ['camera', () => camera({ source: 'x.mp4', fps: text })],
  ['recordVideo', () => recordVideo({ directory: 'x', idleMs: text })],
  ['recordVideo', () => recordVideo({ directory: 'x', preRollMs: text })],
  ['storeBlob', () => storeBlob({ directory: 'x', maxCount: text })],
  ['toWebhook', () => toWebhook({ url: 'http://a/', timeoutMs: text })],
  ['toWebhook', () => toWebhook({ url: 'http://a/', patienceMs: text })],
  ['toMqtt', () => toMqtt({ url: 'mqtt://a', topic: 'a', reconnectMs: text })],
  ['toCsv', () => toCsv({ file: 'x', row: () => ({}), concurrency: text })],
  ['toParquet', () => toParquet({ directory: 'x', columns: { a: 'DOUBLE' }, row: () => ({}), everyMs: text })],
  ['logTo', () => logTo('x', { maxBytes: text })],
  ['notify', () => notify({ title: 'a', message: 'b', via: ['true'], throttleMs: text })],
  ['replay', () => replay('x', { speed: text })],
  ['batch', () => batch(2, { maxWaitMs: text })],
  ['mapAsync', () => mapAsync((value: unknown) => Promise.resolve(value), { concurrency: text })],
  [
    'fromPull',
    () =>
      fromPull(() => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: 1 }) }) }), {
        concurrency: text,
      }),
  ],
])('%s refuses text in place of a number', (_, make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' }));
});
