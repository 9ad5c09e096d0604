import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { onAbort } from '#src/brokers/onAbort.js';

test('many wait with one listener, which goes with the last of them', () => {
  const { signal } = new AbortController();
  const forgets = Array.from({ length: 100 }, () => onAbort(signal, () => undefined));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  for (const forget of [...forgets, ...forgets]) forget();
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('all are called that did not change their mind, also those that leave as they are called', () => {
  const controller = new AbortController();
  const called: string[] = [];
  const first = onAbort(controller.signal, () => {
    called.push('first');
    first();
  });
  onAbort(controller.signal, () => called.push('second'));
  onAbort(controller.signal, () => called.push('never'))();
  // The one of before has nobody left to call; another one begins anew.
  const other = new AbortController();
  onAbort(other.signal, () => called.push('early'))();
  onAbort(other.signal, () => called.push('late'));
  controller.abort();
  other.abort();
  expect(called).toEqual(['first', 'second', 'late']);
});
