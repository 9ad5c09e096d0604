import { from, last } from 'ix/asynciterable';
import { filter, map, scan, tap } from 'ix/asynciterable/operators';
import { add, answer, checkCount, increase, isTaken, takenOf } from './way.js';
import type { Way } from './way.js';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let value = 0; value < count; value++) yield value;
}

/** Async iterables: what comes next is asked for, so that back-pressure is there by itself. */
export const asyncIterables: Way = {
  name: 'ix: async iterables',

  async synchronous(values) {
    let out = 0;
    const count = tap<number>({
      next: () => {
        out++;
      },
    });
    await last(from(numbers(values)).pipe(map(increase), filter(isTaken), scan({ seed: 0, callback: add }), count));
    checkCount('values came out', out, takenOf(values));
  },

  async asynchronous(values) {
    let out = 0;
    const count = tap<number>({
      next: () => {
        out++;
      },
    });
    await last(from(numbers(values)).pipe(map(increase), filter(isTaken), scan({ seed: 0, callback: add }), map(answer), count));
    checkCount('values came out', out, takenOf(values));
  },
};
