import type { Outcome } from './protocol.js';

/** What can be read of one job of a run, or why not. */
export function attempt<R>(work: () => R): Outcome<R> {
  try {
    return { result: work() };
  } catch (error) {
    return { failed: textOf(error) };
  }
}

/** Runs jobs together and, where that fails, each by itself: none fails for another's fault. */
export async function runApart<J, R>(
  jobs: readonly J[],
  run: (jobs: readonly J[]) => Promise<readonly Outcome<R>[]>,
): Promise<readonly Outcome<R>[]> {
  try {
    return await run(jobs);
  } catch (error) {
    if (jobs.length === 1) return [{ failed: textOf(error) }];
    const outcomes: Outcome<R>[] = [];
    for (const job of jobs) outcomes.push(...(await runApart([job], run)));
    return outcomes;
  }
}

/** The first line of what was thrown; some providers add a stack of their own. */
export function textOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line;
}
