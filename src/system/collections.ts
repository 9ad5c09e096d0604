import { constants, PerformanceObserver } from 'node:perf_hooks';
import type { PerformanceEntry } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { hasOwnFlag } from './ownFlags.js';

/** So many collections of the whole heap, so close together, are not for the sake of the heap. */
const many = 5;
const withinMs = 2_500;
const ownFlag = /--(no-?)?incremental.marking/;

let watching = false;

/**
 * Keeps V8 from going through the whole heap for every few frames. Their bytes are arrays outside of the heap, and those of the last
 * ones are freed with the young generation: that costs little. But while V8 marks the heap in steps beside the work, which it
 * begins when there are many such bytes, it frees none of them; so when it has done, there are many again. A process that is seen to do so is
 * told to mark the heap at once, when it has to.
 */
export function watchCollections(): void {
  if (watching || hasOwnFlag(ownFlag)) return;
  watching = true;
  const last: number[] = [];
  const observer = new PerformanceObserver((collections) => {
    for (const { startTime, detail } of collections.getEntries() as Collection[]) {
      if (detail.kind !== constants.NODE_PERFORMANCE_GC_MAJOR) continue;
      last.push(startTime);
      const first = last.length < many ? -Infinity : (last.shift() ?? -Infinity);
      if (startTime - first > withinMs) continue;
      setFlagsFromString('--no-incremental-marking');
      observer.disconnect();
      return;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
}

type Collection = PerformanceEntry & { readonly detail: { readonly kind: number } };
