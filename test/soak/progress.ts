import { SingleBar } from 'cli-progress';

/** One line that says how far a run is. */
export class Progress {
  readonly #bar: SingleBar;
  readonly #total: number;
  readonly #began = performance.now();
  /** What was done at the last looks, for the rate of the last seconds. */
  #looks: { readonly time: number; readonly done: number }[] = [];

  constructor(name: string, total: number) {
    this.#total = total;
    this.#bar = new SingleBar({
      stream: process.stderr,
      format: `${name} [{bar}] {value} of {total} | {rate}/s | {faults} faults | {left} left`,
      barsize: 24,
      hideCursor: true,
      noTTYOutput: true,
      notTTYSchedule: 15_000,
      gracefulExit: false,
    });
    this.#bar.start(total, 0, { rate: 0, faults: 0, left: '–' });
  }

  show(done: number, faults: number): void {
    const time = performance.now();
    this.#looks = [...this.#looks.slice(-10), { time, done }];
    const [first = { time: this.#began, done: 0 }] = this.#looks;
    const rate = time > first.time ? ((done - first.done) * 1_000) / (time - first.time) : 0;
    // Over the whole run, since faults make the last seconds a poor guess.
    const left = done > 0 ? ((this.#total - done) * (time - this.#began)) / done / 1_000 : NaN;
    this.#bar.update(done, { rate: Math.round(rate), faults, left: Number.isNaN(left) ? '–' : `${Math.round(left)} s` });
  }

  stop(): void {
    this.#bar.stop();
  }
}
