import { setTimeout as sleep } from 'node:timers/promises';
import { defineNode, mapAsync } from 'edgeflow';
import { record } from '../recordFile.js';
import type { SoakValue } from '../value.js';

/** Slower than the producer, so that it skips. */
const workMs = 5;

/** Writes down what a REALTIME subscription gets, in the order in which it comes. */
export default defineNode<SoakValue, SoakValue, { file: string }>((values, { options: { file } }) =>
  values.pipe(
    mapAsync(async (value) => {
      record(file, [value]);
      await sleep(workMs);
      return value;
    }),
  ),
);
