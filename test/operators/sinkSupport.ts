import { Subject } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { onTestFinished } from 'vitest';
import { deliver } from '#src/flow/delivery.js';
import type { Settlement } from '#src/flow/delivery.js';

/** A sink that is subscribed, to which single deliveries can be sent. */
export interface Sink<T, R> {
  readonly send: (value: T, id?: string) => Promise<Settlement>;
  /** What it emitted. */
  readonly out: R[];
  readonly errors: unknown[];
  readonly complete: () => Promise<void>;
  readonly unsubscribe: () => void;
}

/** Subscribes a sink until the test has finished. */
export function sink<T, R>(operator: OperatorFunction<T, R>): Sink<T, R> {
  const values = new Subject<T>();
  const out: R[] = [];
  const errors: unknown[] = [];
  let completed: () => void = () => undefined;
  const end = new Promise<void>((resolve) => (completed = resolve));
  const subscription = values.pipe(operator).subscribe({
    next: (value) => out.push(value),
    error: (error: unknown) => errors.push(error),
    complete: () => completed(),
  });
  onTestFinished(() => subscription.unsubscribe());
  let count = 0;
  return {
    send: (value, id = `m${count++}`) =>
      new Promise((resolve) => {
        deliver({ id, onSettled: resolve }, () => values.next(value));
      }),
    out,
    errors,
    complete: () => {
      values.complete();
      return end;
    },
    unsubscribe: () => subscription.unsubscribe(),
  };
}

/** The warnings of this process that name an operator, until the test has finished. */
export function warningsOf(operator: string): string[] {
  const said: string[] = [];
  const listen = (warning: Error): void => {
    if (warning.message.startsWith(`${operator}:`)) said.push(warning.message);
  };
  process.on('warning', listen);
  onTestFinished(() => {
    process.off('warning', listen);
  });
  return said;
}
