import { inspect, isDeepStrictEqual } from 'node:util';
import { Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';

/** One notification of a stream at its time. */
export type MarbleEvent =
  | { readonly atMs: number; readonly kind: 'next'; readonly value: unknown }
  | { readonly atMs: number; readonly kind: 'error'; readonly error: unknown }
  | { readonly atMs: number; readonly kind: 'complete' };

/** Values by the letters of a marble diagram. */
export type MarbleValues<T> = Readonly<Record<string, T>>;

/** Reads a marble diagram in the syntax of RxJS's `TestScheduler.run`: a character is a millisecond, ` 20ms ` is 20. */
export function parseMarbles(marbles: string, values?: MarbleValues<unknown>, error?: unknown): MarbleEvent[] {
  // Outside `run` a character stands for 10 ms.
  const parsed = new TestScheduler(() => undefined).run(() => TestScheduler.parseMarbles(marbles, values, error, undefined, true));
  return parsed.map(({ frame: atMs, notification }) => {
    switch (notification.kind) {
      case 'N':
        return { atMs, kind: 'next', value: notification.value as unknown };
      case 'E':
        return { atMs, kind: 'error', error: notification.error as unknown };
      case 'C':
        return { atMs, kind: 'complete' };
    }
  });
}

/** A stream that a marble diagram describes, beginning anew at each subscribe. Goes by the timers of the process. */
export function coldOf<T>(events: readonly MarbleEvent[]): Observable<T> {
  return new Observable<T>((output) => {
    for (const event of events) {
      const timer = setTimeout(() => {
        if (event.kind === 'next') output.next(event.value as T);
        else if (event.kind === 'error') output.error(event.error);
        else output.complete();
      }, event.atMs);
      output.add(() => {
        clearTimeout(timer);
      });
    }
  });
}

/** Throws, with both lists, where what came is not what was expected. */
export function compareEvents(came: readonly MarbleEvent[], expected: readonly MarbleEvent[], marbles: string): void {
  if (isDeepStrictEqual(came, expected)) return;
  throw new Error(`expected '${marbles}':\n${listed(expected)}\nbut what came was:\n${listed(came)}`);
}

function listed(events: readonly MarbleEvent[]): string {
  if (events.length === 0) return '  nothing';
  return events
    .map((event) => {
      const what = event.kind === 'next' ? inspect(event.value) : event.kind === 'error' ? `error ${inspect(event.error)}` : 'complete';
      return `  ${event.atMs} ms: ${what}`;
    })
    .join('\n');
}
