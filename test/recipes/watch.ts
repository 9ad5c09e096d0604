import { resolve } from 'node:path';
import { MemoryBroker, QoS, System } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import type { Frame } from 'edgeflow/operators';
import { ignoreElements, tap } from 'rxjs';
import { onTestFinished } from 'vitest';

/** Path of a compiled recipe, for the command line. */
export function compiled(recipe: string): string {
  return resolve(import.meta.dirname, '../../dist/recipes', `${recipe}.js`);
}

/**
 * Runs a recipe inside another System, in this process, that sees all that its nodes emit. It is stopped when the test has
 * finished.
 *
 * @param watchers - by the names of the recipe's nodes.
 */
export async function runWatched(recipe: System, watchers: Readonly<Record<string, (value: never) => void>>): Promise<RunningSystem> {
  const home = new System('home', { isolation: 'inline' });
  const part = home.use(recipe);
  for (const [name, watch] of Object.entries(watchers)) {
    const watcher = home.node((_, { input }) => input<never>(name).pipe(tap(watch), ignoreElements()), { name: `watcher-of-${name}` });
    home.link(part(name)).to(watcher, QoS.DURABLE);
  }
  const running = await home.run({ broker: new MemoryBroker(), handleSignals: false, drainMs: 60_000 });
  onTestFinished(() => running.stop());
  return running;
}

/** Squares that a number is written in. */
const bits = 12;

/** Writes a number into the upper left corner of a frame, black and white, to be read again from a scaled or compressed copy. */
export function stamped(frame: Frame, number: number, side = 16): Frame {
  const data = new Uint8Array(frame.data);
  for (let bit = 0; bit < bits; bit++)
    for (let y = 0; y < side; y++) {
      const at = (y * frame.width + bit * side) * 3;
      data.fill((number >> bit) & 1 ? 255 : 0, at, at + side * 3);
    }
  return { ...frame, data };
}

/** The number in a picture whose corner is at `left`, `top`; `undefined` where there is none. */
export function stampIn({ data, width }: Frame, { left = 0, top = 0, side = 16 } = {}): number | undefined {
  let number = 0;
  for (let bit = 0; bit < bits; bit++) {
    const value = data[((top + side / 2) * width + left + (bit + 0.5) * side) * 3] ?? 128;
    if (value > 60 && value < 195) return undefined;
    number |= Number(value > 128) << bit;
  }
  return number;
}
