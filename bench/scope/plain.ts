import { concatMap, filter, map, scan, Subject } from 'rxjs';
import { add, answer, checkCount, increase, isTaken, takenOf, windowSize } from './way.js';
import type { Way } from './way.js';

/** RxJS alone. */
export const plain: Way = {
  name: 'plain RxJS',

  synchronous(values) {
    const input = new Subject<number>();
    let out = 0;
    input.pipe(map(increase), filter(isTaken), scan(add, 0)).subscribe(() => out++);
    for (let value = 0; value < values; value++) input.next(value);
    checkCount('values came out', out, takenOf(values));
    return Promise.resolve();
  },

  asynchronous: (values) =>
    new Promise((resolve) => {
      const input = new Subject<number>();
      const taken = takenOf(values);
      let sent = 0;
      let out = 0;
      // Nobody tells when a value is done: the source counts what comes out, and knows what is dropped.
      const send = (): void => {
        const end = Math.min(values, sent + windowSize);
        while (sent < end) input.next(sent++);
      };
      input.pipe(map(increase), filter(isTaken), scan(add, 0), concatMap(answer)).subscribe(() => {
        out++;
        if (out === taken) resolve();
        else if (out === takenOf(sent)) send();
      });
      send();
    }),
};
