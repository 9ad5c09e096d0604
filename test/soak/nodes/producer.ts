import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineNode, fromPull } from 'edgeflow';
import { makeValue } from '../value.js';
import type { SoakValue } from '../value.js';

interface Options {
  /** The numbers from 1 to this one are published. */
  readonly count: number;
  readonly perSecond: number;
  /** Keeps the last number that is known to be published, across restarts. */
  readonly file: string;
}

const concurrency = 64;
const saveEvery = 100;

/** Yields a few numbers again after a kill; their ids make that known to the broker. */
export default defineNode<never, SoakValue, Options>((_, { options: { count, perSecond, file } }) =>
  fromPull(
    async function* ({ signal }) {
      let due = performance.now();
      for (let number = lastPublished(file) + 1; number <= count && !signal.aborted; number++) {
        // Time that was lost is not made up for: a burst would only show how fast the machine is.
        due = Math.max(due + 1_000 / perSecond, performance.now() - 50);
        if (due - performance.now() > 2) await sleep(due - performance.now());
        yield makeValue(number);
        // Asked for another one: fewer than `concurrency` are open, and they settle in order.
        if (number % saveEvery === 0) save(file, number - concurrency);
      }
    },
    { concurrency, id: ({ number }) => `n-${number}` },
  ),
);

function lastPublished(file: string): number {
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

function save(file: string, number: number): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, String(Math.max(0, number)));
  renameSync(draft, file);
}
