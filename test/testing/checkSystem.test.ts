import { batch, leasingOperator, mapAsync, QoS, System } from 'edgeflow';
import { checkSystem } from 'edgeflow/testing';
import type { SystemCheckOptions } from 'edgeflow/testing';
import { delay, EMPTY, map, range, scan, take } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { describe, expect, test } from 'vitest';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** numbers → work (DURABLE) → sink (DURABLE), numbers → glance (REALTIME) */
function chain(work: OperatorFunction<number, number>, sink: OperatorFunction<number, unknown> = map((value) => value)): () => System {
  return () => {
    const system = new System('chain');
    const numbers = system.node(() => range(1, 25), { name: 'numbers' });
    const worker = system.node((values) => (values as Observable<number>).pipe(work), { name: 'worker' });
    const last = system.node((_, { input }) => input<number>('worker').pipe(sink), { name: 'last' });
    const glance = system.node((values) => values, { name: 'glance' });
    system
      .link(numbers)
      .to(worker, QoS.DURABLE, { retry: { initialMs: 1 } })
      .to(last, QoS.DURABLE, { retry: { initialMs: 1 } });
    system.link(numbers).to(glance, QoS.REALTIME);
    return system;
  };
}

const asTold: SystemCheckOptions = { seed: 7, runs: 12, drainMs: 300 };

const slowly = mapAsync(async (value: number) => {
  await turn();
  return value * 2;
});

describe('checkSystem passes', () => {
  test('a System whose nodes keep their deliveries, and strikes it', async () => {
    const sums: number[] = [];
    const keeping = chain(
      slowly,
      map((value) => sums.push(value)),
    );
    let runs = 0;
    await checkSystem(keeping, { ...asTold, outcome: ({ balanced }) => void (runs += Number(balanced)) });
    expect(runs).toBe(13);
    // Messages that failed on their way into the last node did not reach it, and came again: each is there in each run.
    expect(sums.length).toBe(13 * 25);
  });

  test('batches, and nodes that others stand for', () =>
    checkSystem(chain(slowly, batch(4, { maxWaitMs: 5 })), {
      ...asTold,
      runs: 5,
      nodes: { glance: (values) => values.pipe(map(() => 'instead')) },
    }));
});

describe('checkSystem finds', () => {
  test.each([
    ['work that escapes its delivery', chain(delay(1)), {}, /LEASE_ESCAPED|outside its delivery/],
    ['a node that stops reading', chain(take(3)), { forMs: 200 }, /numbers → worker: \d+ of 25 messages were never settled/],
    ['a node that keeps what it is given', chain(hoard()), { forMs: 200 }, /numbers → worker: \d+ of 25 messages were never settled/],
    ['a node that does not survive a failure', chain(brittle()), {}, /24 of 25 messages|were given up|never settled/],
    ['an outcome that is wrong', chain(slowly), { outcome: () => Promise.reject(new Error('the file is empty')) }, /the file is empty/],
  ] as const)('%s', async (_, make, options, told) => {
    await expect(checkSystem(make, { ...asTold, ...options, timeLimitMs: 3_000 })).rejects.toThrow(told);
  });

  test('a node that is to be replaced and is not there', async () => {
    await expect(checkSystem(chain(slowly), { nodes: { wroker: () => EMPTY } })).rejects.toThrow(
      /names 'wroker', but there are numbers, worker, last, glance/,
    );
  });
});

/** Takes values in, and lets none go. */
function hoard(): OperatorFunction<number, number> {
  return leasingOperator<number, number>('hoard', () => ({ next: () => undefined }));
}

/** Works for values in their order alone, and fails for ever once one came again behind another. */
function brittle(): OperatorFunction<number, number> {
  return scan((before: number, value: number) => {
    if (value !== before + 1) throw new Error(`${value} after ${before}`);
    return value;
  }, 0);
}
