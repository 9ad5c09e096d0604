import { mapAsync } from 'edgeflow';
import { filter, map, scan, Subject } from 'rxjs';
import { deliver } from '../../src/flow/delivery.js';
import { add, answer, checkCount, increase, isTaken, takenOf, windowSize } from './way.js';
import type { Way } from './way.js';

/** RxJS with the delivery scope. */
export const deliveries: Way = {
  name: 'RxJS inside deliveries',

  synchronous(values) {
    const input = new Subject<number>();
    let out = 0;
    let settled = 0;
    const onSettled = (): void => {
      settled++;
    };
    input.pipe(map(increase), filter(isTaken), scan(add, 0)).subscribe(() => out++);
    for (let value = 0; value < values; value++) deliver({ id: undefined, onSettled }, () => input.next(value));
    checkCount('values came out', out, takenOf(values));
    checkCount('deliveries settled', settled, values);
    return Promise.resolve();
  },

  asynchronous: (values) =>
    new Promise((resolve) => {
      const input = new Subject<number>();
      let sent = 0;
      let settled = 0;
      const send = (): void => {
        const end = Math.min(values, sent + windowSize);
        while (sent < end) {
          const value = sent++;
          deliver({ id: undefined, onSettled }, () => input.next(value));
        }
      };
      const onSettled = (): void => {
        settled++;
        if (settled === values) resolve();
        // Not at once: deliveries also settle while the source is sending.
        else if (settled % windowSize === 0) queueMicrotask(send);
      };
      input.pipe(map(increase), filter(isTaken), scan(add, 0), mapAsync(answer)).subscribe();
      send();
    }),
};
