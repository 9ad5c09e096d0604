// A clock that takes the place of the global one, as tests have, might never call.
import { setImmediate } from 'node:timers';

/** So few calls do not hold up a turn: those of a lone message go without an immediate that sees its end. */
const fewCalls = 8;
/** So long may a turn of the event loop last. */
const longestMs = 10;

let next: Promise<void> | undefined;
let since = 0;
let calls = 0;

/** The next turn of the event loop. */
export function nextTurn(): Promise<void> {
  if (!next) {
    since = performance.now();
    next = new Promise((resolve) => {
      setImmediate(() => {
        next = undefined;
        resolve();
      });
    });
  }
  return next;
}

/**
 * The next turn of the event loop, where the present one has lasted long. A loop of calls that all resolve in microtasks
 * never ends it: it has to wait for the next one now and then, so that timers, I/O and signals have their turn.
 */
export function overdueTurn(): Promise<void> | undefined {
  if (!next && ++calls < fewCalls) return undefined;
  calls = 0;
  const turn = nextTurn();
  return performance.now() - since > longestMs ? turn : undefined;
}
