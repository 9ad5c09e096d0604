import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { hasOwnFlag } from './ownFlags.js';

/** The share of a core from which optimised code is worth its compiler. */
const busyShare = 0.1;
/** A shorter time says little of the load. */
const leastMs = 900;
const ownFlags = /--(no-?)?(opt|turbo|jitless|lite|expose.gc|semi.space.growth)/;

let starting = false;
let optimises = true;
let last = { atMs: 0, cpuMs: 0 };

/**
 * To load modules is short work that V8 takes for the beginning of long work. It makes the young generation large, 16 MiB and more that an
 * idle process gives back late, and it optimises functions that hardly run afterwards, for which 4 MB of the compiler are read in. So the
 * process of a node starts without both.
 */
export function beginStart(): void {
  if (hasOwnFlag(ownFlags)) return;
  starting = true;
  optimises = false;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-opt');
}

/**
 * Lets the young generation grow as ever. The garbage of the start, which nothing would collect in a node that has little to do, goes at
 * once; by this V8 also sees that there is memory to give back, and does so when the process has been quiet for some seconds.
 */
export function endStart(): void {
  if (!starting) return;
  starting = false;
  setFlagsFromString('--semi-space-growth-factor=2');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
  const { user, system } = process.cpuUsage();
  last = { atMs: performance.now(), cpuMs: (user + system) / 1_000 };
}

/**
 * Lets V8 optimise once the process is busy. What was hot at the start needs only a few calls more to be compiled, and even an idle process
 * makes those.
 *
 * @param cpuMs - what the process has used since its start.
 */
export function optimiseWhenBusy(cpuMs: number): void {
  if (optimises || starting) return;
  const atMs = performance.now();
  if (atMs - last.atMs < leastMs) return;
  if (cpuMs - last.cpuMs > busyShare * (atMs - last.atMs)) {
    optimises = true;
    setFlagsFromString('--opt');
  }
  last = { atMs, cpuMs };
}
