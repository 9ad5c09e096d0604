import { batch, latestMap, mapAsync, QoS, System } from 'edgeflow';
import { runMarbles } from 'edgeflow/testing';
import type { MarbleSystem } from 'edgeflow/testing';
import { debounceTime, delay, interval, lastValueFrom, map, take, timer } from 'rxjs';
import type { Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { nodeFile } from '../support/system.js';

type Letters = Observable<string>;

/** Work that takes virtual time. */
const slowly =
  (ms: number) =>
  (letter: string): Promise<string> =>
    lastValueFrom(timer(ms).pipe(map(() => letter)));

describe('runMarbles', () => {
  test('plain operators take virtual time', () =>
    runMarbles(
      ({ cold, expectObservable }) => {
        expectObservable(cold('a-b 10s c|').pipe(delay(2))).toBe('--a-b 10s (c|)');
        expectObservable(interval(1_000).pipe(take(2))).toBe('1s a 999ms (b|)', { a: 0, b: 1 });
      },
      { forMs: 20_000 },
    ));

  test('DURABLE: every value, one after the other; the topic adds no time', () =>
    runMarbles(({ cold, durable, expectObservable }) => {
      expectObservable(cold('abc---|').pipe(durable(map((letter) => letter.toUpperCase())))).toBe('ABC---|');
      expectObservable(cold('abc---|').pipe(durable(mapAsync(slowly(3))))).toBe('---a--b--(c|)');
      expectObservable(cold('abc---|').pipe(durable(mapAsync(slowly(3), { concurrency: 3 })))).toBe('---abc|');
    }));

  test('REALTIME: the newest when the last one is done; what came between is skipped', () =>
    runMarbles(({ cold, realtime, expectObservable }) => {
      expectObservable(cold('abcdef---|').pipe(realtime(mapAsync(slowly(3))))).toBe('---a--d--(f|)');
      expectObservable(cold('abcdef---|').pipe(realtime(mapAsync(slowly(3), { concurrency: 2 }), { concurrency: 2 }))).toBe(
        '---ab-de-(f|)',
      );
    }));

  test('a failed message comes again after its backoff, and is given up after its deliveries', () =>
    runMarbles(({ cold, durable, expectObservable }) => {
      let failures = 0;
      const flaky = mapAsync((letter: string) => {
        if (letter === 'a' && failures++ < 2) throw new Error('not yet');
        return letter;
      });
      expectObservable(cold('ab|').pipe(durable(flaky, { retry: { initialMs: 10, factor: 2 } }))).toBe('-b 28ms (a|)');
      const never = mapAsync((letter: string) => {
        if (letter === 'a') throw new Error('never');
        return letter;
      });
      expectObservable(cold('ab---|').pipe(durable(never, { retry: { maxDeliveries: 2, initialMs: 10 } }))).toBe('-b 8ms |');
    }));

  test('batch and latestMap keep their times behind a topic', () =>
    runMarbles(({ cold, durable, expectObservable }) => {
      const joined = (source: Letters): Letters =>
        source.pipe(
          batch(2, { maxWaitMs: 5 }),
          map((letters) => letters.join('')),
        );
      expectObservable(cold('ab-c------|').pipe(durable(joined))).toBe('-x------y-|', { x: 'ab', y: 'c' });
      expectObservable(cold('abc----|').pipe(durable(latestMap(slowly(3))))).toBe('---a--c|');
    }));

  test('a raw asynchronous operator is found out', () =>
    runMarbles(({ cold, durable, expectObservable }) => {
      const escaped = expect.objectContaining({ code: 'LEASE_ESCAPED' }) as unknown;
      expectObservable(
        cold('a-|').pipe(
          durable((source: Letters) =>
            source.pipe(
              debounceTime(1),
              mapAsync((letter) => letter),
            ),
          ),
        ),
      ).toBe('-#', {}, escaped);
    }).then(
      () => undefined,
      (error: unknown) => {
        // Matchers are not equal by node's rules: the error is shown all the same.
        expect(String(error)).toMatch(/1 ms: error EdgeFlowError: a value reached mapAsync outside its delivery/);
      },
    ));

  test('what is not as expected is shown with its times', async () => {
    const failing = runMarbles(({ cold, durable, expectObservable }) => {
      expectObservable(cold('a-b|').pipe(durable(map((letter) => letter)))).toBe('a--b|');
    });
    await expect(failing).rejects.toThrow(
      "expected 'a--b|':\n  0 ms: 'a'\n  3 ms: 'b'\n  4 ms: complete\nbut what came was:\n  0 ms: 'a'\n  2 ms: 'b'\n  3 ms: complete",
    );
  });

  test('an hour passes in no time, real time comes back, and the times are the same each time', async () => {
    for (let run = 0; run < 5; run++)
      await runMarbles(
        ({ cold, realtime, durable, expectObservable }) => {
          const both = cold('abcdef 60m g|').pipe(realtime(mapAsync(slowly(2))), durable(mapAsync(slowly(1))));
          expectObservable(both).toBe('---a-c-e-f 3599999ms (g|)');
        },
        { forMs: 3_700_000 },
      );
    expect(Math.abs(Date.now() - new Date().getTime())).toBeLessThan(1_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  });
});

describe('a System in virtual time', () => {
  test('inline nodes: REALTIME skips, DURABLE gets all, the end comes by itself, the ledger balances', async () => {
    const system = new System('door');
    const camera = system.node(() => interval(1).pipe(take(6)), { name: 'camera' });
    const detector = system.node((frames) => (frames as Letters).pipe(mapAsync(slowly(3))), { name: 'detector' });
    const recorder = system.node((frames) => frames.pipe(map((frame) => `stored ${String(frame)}`)), { name: 'recorder' });
    system.link(camera).to(detector, QoS.REALTIME).to(recorder, QoS.DURABLE);
    system.link(camera).to(recorder, QoS.DURABLE);
    let run: MarbleSystem | undefined;
    await runMarbles((tools) => {
      run = tools.system(system, { sources: { camera: tools.cold('abcdef-|') } });
      tools.expectObservable(run.output('camera')).toBe('abcdef-|');
      tools.expectObservable(run.output('detector')).toBe('---a--d--(f|)');
    });
    const { links, balanced } = (await run?.ledger()) ?? { links: [], balanced: false };
    expect(balanced).toBe(true);
    expect(links).toMatchObject([
      { source: 'camera', target: 'detector', published: 6, delivered: 3, skipped: 3, pending: 0 },
      { source: 'detector', target: 'recorder', published: 3, acked: 3, pending: 0 },
      { source: 'camera', target: 'recorder', published: 6, acked: 6, pending: 0 },
    ]);
  });

  test('its own sources, nodes of modules, and a map that throws once', async () => {
    const system = new System('modules');
    let thrown = false;
    const source = system.node(
      () =>
        interval(5).pipe(
          take(3),
          map((value) => ({ value })),
        ),
      { name: 'source' },
    );
    const picky = system.node(
      (values) =>
        values.pipe(
          map((value) => {
            if (!thrown && (value as { value: number }).value === 1) {
              thrown = true;
              throw new Error('once');
            }
            return value;
          }),
        ),
      { name: 'picky' },
    );
    const joiner = system.node(nodeFile('joiner'), { name: 'joiner' });
    system
      .link(source)
      .to(picky, QoS.DURABLE, { retry: { initialMs: 2 } })
      .to(joiner, QoS.DURABLE);
    await runMarbles(({ system: run, expectObservable }) => {
      const labelled = (value: number) => ({ value, label: 'picky' });
      expectObservable(run(system).output('joiner')).toBe('5ms a 6ms b--(c|)', { a: labelled(0), b: labelled(1), c: labelled(2) });
    });
  });

  test('a node that fails is the error of the run', async () => {
    const system = new System('failing');
    const source = system.node(() => interval(1).pipe(take(1)), { name: 'source' });
    const sink = system.node((values) => values.pipe(delay(1)), { name: 'sink' });
    system.link(source).to(sink, QoS.DURABLE);
    await expect(runMarbles(({ system: run }) => run(system))).rejects.toThrow(/outside its delivery/);
  });

  test('a name that is no node is refused', async () => {
    const system = new System('small');
    system.node(() => interval(1), { name: 'source' });
    await expect(runMarbles(({ system: run }) => run(system).output('sauce'))).rejects.toThrow(/no node 'sauce'; its nodes are source/);
  });
});
