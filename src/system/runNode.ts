import type { ChildEvents } from './child.js';
import { watchCollections } from './collections.js';
import type { NodeRunner } from './nodeRunner.js';

const reportEveryMs = 500;
/** A node to which nothing happens tells its memory and processor time. To wake up for it oftener costs more of that than the rest. */
const quietReportEveryMs = 5_000;

/** What is told of a node that runs, and what it waits for. */
export interface RunNodeOptions extends Pick<ChildEvents, 'onReady' | 'onReport'> {
  /** Resolves when sources may begin. */
  readonly go: Promise<unknown>;
}

/**
 * Runs a node until its stream has completed and all is settled, and reports meanwhile.
 *
 * @returns false where the stream was cut off.
 */
export async function runNode(runner: NodeRunner, { go, onReady, onReport }: RunNodeOptions): Promise<boolean> {
  watchCollections();
  const report = (): void => {
    onReport(runner.report());
  };
  let reports: NodeJS.Timeout | undefined;
  const rest = (): void => {
    clearInterval(reports);
    reports = undefined;
  };
  const begin = (): void => {
    reports ??= setInterval(() => {
      if (runner.hasNews) report();
      else rest();
    }, reportEveryMs);
  };
  runner.onNews = begin;
  begin();
  const quietReports = setInterval(() => {
    if (!reports) report();
  }, quietReportEveryMs);
  try {
    // Consumers listen before any source begins.
    if (runner.isSource) {
      onReady();
      await go;
    }
    const running = runner.run();
    if (!runner.isSource) onReady();
    if (!(await running)) return false;
  } finally {
    clearInterval(quietReports);
    runner.onNews = () => undefined;
    rest();
  }
  report();
  return true;
}
