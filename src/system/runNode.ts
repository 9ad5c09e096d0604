import type { ChildEvents } from './child.js';
import type { NodeRunner } from './nodeRunner.js';

const reportEveryMs = 500;

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
  const reports = setInterval(report, reportEveryMs);
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
