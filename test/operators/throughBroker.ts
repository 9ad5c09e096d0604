import { fromBroker, MemoryBroker, QoS, subscriptionsClosed, toBroker, topic } from 'edgeflow';
import { from, lastValueFrom, Subject, takeUntil } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { until } from './systemSupport.js';

/** What became of values that were delivered to an operator. */
export interface Deliveries<R> {
  readonly results: R[];
  /** Why deliveries failed, in their order. */
  readonly failures: string[];
}

/** Delivers values to an operator, each once, and waits until each has settled. */
export async function throughBroker<T, R>(values: readonly T[], operator: OperatorFunction<T, R>): Promise<Deliveries<R>> {
  const broker = new MemoryBroker();
  const ended = new Subject<void>();
  const name = topic<T>('values');
  await broker.declare({ topic: 'values', groups: ['g'], readers: [] });
  await lastValueFrom(from(values).pipe(toBroker(name, { broker })));
  const results: R[] = [];
  let error: unknown;
  fromBroker(name, QoS.DURABLE, { broker, group: 'g', retry: { maxDeliveries: 1 } })
    .pipe(operator, takeUntil(ended))
    .subscribe({ next: (result) => results.push(result), error: (reason: unknown) => (error = reason) });
  const settled = async (): Promise<boolean> => {
    const group = (await broker.stats())[0]?.groups.g;
    return error !== undefined || (group?.acked ?? 0) + (group?.dead ?? 0) === values.length;
  };
  await until('all values', settled);
  const failures = (await broker.deadLetters('values')).map((letter) => letter.error);
  ended.next();
  await subscriptionsClosed();
  await broker.close();
  if (error !== undefined) throw new Error('the stream failed', { cause: error });
  return { results, failures };
}
