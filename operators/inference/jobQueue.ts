/** How long jobs may wait for others to share a run of the model. */
export interface BatchBudget {
  /** Most jobs in one run. */
  readonly max: number;
  /** Longest wait of the first of them, in milliseconds. */
  readonly waitMs: number;
}

interface Waiting<J> {
  readonly job: J;
  /** When it came, in milliseconds of the process. */
  readonly since: number;
}

/** Jobs that wait for a run: taken in their order, as many as a run holds, when there are so many or the first is due. */
export class JobQueue<J> {
  readonly #budget: BatchBudget;
  readonly #due: () => void;
  readonly #waiting: Waiting<J>[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param due - called when the first job has waited long enough. */
  constructor(budget: BatchBudget, due: () => void) {
    this.#budget = budget;
    this.#due = due;
  }

  add(job: J): void {
    this.#waiting.push({ job, since: performance.now() });
  }

  /** @returns whether the job was still waiting. */
  remove(job: J): boolean {
    const index = this.#waiting.findIndex((each) => each.job === job);
    if (index >= 0) this.#waiting.splice(index, 1);
    return index >= 0;
  }

  /** The jobs of the next run; none as long as waiting may still fill it. */
  take(): J[] {
    const { max, waitMs } = this.#budget;
    const [first] = this.#waiting;
    if (!first) return [];
    const restMs = first.since + waitMs - performance.now();
    if (this.#waiting.length < max && restMs > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(this.#due, Math.ceil(restMs));
      return [];
    }
    return this.#waiting.splice(0, max).map(({ job }) => job);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
