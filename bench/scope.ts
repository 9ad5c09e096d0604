/**
 * What the delivery scope costs: values per second through map, filter and scan, in plain RxJS and inside deliveries.
 * Both are measured in this run, in turns; the median of each counts.
 *
 * Run: `npm run build && node dist/bench/scope.js`
 */
import { filter, map, scan, Subject } from 'rxjs';
import { deliver } from '../src/flow/delivery.js';

const valuesPerRound = 200_000;
const rounds = 9;

function valuesPerSecond(emit: (value: number, input: Subject<number>) => void): number {
  const input = new Subject<number>();
  let last = 0;
  const subscription = input
    .pipe(
      map((value) => value + 1),
      filter((value) => value % 4 !== 0),
      scan((sum, value) => (sum + value) % 1_000_003, 0),
    )
    .subscribe((value) => (last = value));
  const start = performance.now();
  for (let value = 0; value < valuesPerRound; value++) emit(value, input);
  const seconds = (performance.now() - start) / 1000;
  subscription.unsubscribe();
  if (last === 0) throw new Error('nothing came out');
  return valuesPerRound / seconds;
}

const plain = (): number => valuesPerSecond((value, input) => input.next(value));

function delivered(): number {
  let settled = 0;
  const onSettled = (): void => {
    settled++;
  };
  const rate = valuesPerSecond((value, input) => deliver({ id: undefined, onSettled }, () => input.next(value)));
  if (settled !== valuesPerRound) throw new Error(`${settled} of ${valuesPerRound} deliveries settled`);
  return rate;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const results = Array.from({ length: rounds }, () => ({ plain: plain(), delivered: delivered() }));
const plainRate = Math.round(median(results.map((result) => result.plain)));
const deliveredRate = Math.round(median(results.map((result) => result.delivered)));
const ratio = Number((deliveredRate / plainRate).toFixed(3));

console.log(
  JSON.stringify({ bench: 'scope', deliveredPerSecond: deliveredRate, plainPerSecond: plainRate, ratio, valuesPerRound, rounds }),
);
console.log(
  `map, filter, scan: ${(deliveredRate / 1e6).toFixed(2)} M values/s inside deliveries, ` +
    `${(plainRate / 1e6).toFixed(2)} M in plain RxJS: ${(ratio * 100).toFixed(0)} %`,
);
