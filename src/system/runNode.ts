import type { ChildEvents } from './child.js';
import type { NodeRunner } from './nodeRunner.js';

const reportEveryMs = 500;
/** Of a node to which nothing happens, one report of so many tells its memory and processor time. */
const quietReports = 4;

/** What is told of a node that runs, and what it waits for. */
export interface RunNodeOptions extends Pick<ChildEvents, 'onReady' | 'onReport'> {
  /** Resolves when sources may begin. */
  readonly go: Promise<unknown>;
}

/** Runs a node until its stream has completed and all is settled, and reports meanwhile. */
export async function runNode(runner: NodeRunner, { go, onReady, onReport }: RunNodeOptions): Promise<void> {
  const report = (): void => {
    onReport(runner.report());
  };
  let rounds = 0;
  const reports = setInterval(() => {
    if (runner.hasNews || ++rounds % quietReports === 0) report();
  }, reportEveryMs);
  try {
    // Consumers listen before any source begins.
    if (runner.isSource) {
      onReady();
      await go;
    }
    const running = runner.run();
    if (!runner.isSource) onReady();
    await running;
  } finally {
    clearInterval(reports);
  }
  report();
}
