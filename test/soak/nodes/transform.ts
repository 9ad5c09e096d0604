import { setImmediate as turn } from 'node:timers/promises';
import { defineNode, mapAsync } from 'edgeflow';
import type { SoakValue } from '../value.js';

/** Passes values on after asynchronous work, several at once, so that a kill finds some of them half done. */
export default defineNode<SoakValue, SoakValue>((values) =>
  values.pipe(
    mapAsync(
      async ({ number, data }) => {
        await turn();
        return { number, data };
      },
      { concurrency: 8 },
    ),
  ),
);
