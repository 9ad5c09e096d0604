import fc from 'fast-check';
import { checkOptions, isAtLeast } from '../../checkOptions.js';
import { longestTimerMs } from '../../longTimer.js';

/** What both checks of pipelines take. */
export interface PipelineCheckOptions<In> {
  /** Values of the messages. @defaultValue whole numbers */
  readonly inputs?: fc.Arbitrary<In>;
  /** Most messages of a run. @defaultValue 20 */
  readonly maxMessages?: number;
  /** Runs, each with other messages and faults. @defaultValue 60 */
  readonly runs?: number;
  /** Makes the same runs again; printed by a check that fails. @defaultValue random */
  readonly seed?: number;
  /** How long the pipeline may take to settle what a run gave it, in milliseconds. @defaultValue 1000 */
  readonly timeoutMs?: number;
  /** How long the check may look for a smaller case, in milliseconds. @defaultValue 20000 */
  readonly timeLimitMs?: number;
}

/** The values that a check draws from. */
export function inputsOf<In>({ inputs }: PipelineCheckOptions<In>): fc.Arbitrary<In> {
  // Where nothing is said of the values, the pipeline takes any number.
  return inputs ?? (fc.nat({ max: 1_000 }) as fc.Arbitrary<unknown> as fc.Arbitrary<In>);
}

/**
 * Checks what would pass without a run, or take for ever.
 *
 * @param check - which check it is, for the message.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkRuns(
  check: string,
  { runs, timeLimitMs, maxMessages }: Pick<PipelineCheckOptions<unknown>, 'runs' | 'timeLimitMs' | 'maxMessages'>,
): void {
  checkOptions(check, [
    ['runs', runs, Number.isInteger(runs) && isAtLeast(runs, 1), 'a whole number of at least 1'],
    ['maxMessages', maxMessages, Number.isInteger(maxMessages) && isAtLeast(maxMessages, 1), 'a whole number of at least 1'],
    ['timeLimitMs', timeLimitMs, isAtLeast(timeLimitMs, 1), 'milliseconds, at least 1'],
  ]);
}

/** Runs a property whose cases give lists of what went wrong. */
export async function assertProperty<C>(
  cases: fc.Arbitrary<C>,
  { runs = 60, seed, timeLimitMs = 20_000 }: Pick<PipelineCheckOptions<unknown>, 'runs' | 'seed' | 'timeLimitMs'>,
  problemsOf: (example: C) => Promise<readonly string[]>,
): Promise<void> {
  const property = fc.asyncProperty(cases, async (example) => {
    const problems = await problemsOf(example);
    if (problems.length > 0) throw new Error(problems.join('\n'));
  });
  await fc.assert(property, {
    numRuns: runs,
    interruptAfterTimeLimit: Math.min(timeLimitMs, longestTimerMs),
    includeErrorInReport: true,
    ...(seed !== undefined && { seed }),
  });
}
