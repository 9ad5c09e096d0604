import { SingleBar } from 'cli-progress';

/**
 * A bar on standard error, for somebody who is looking.
 *
 * @param format - as cli-progress reads it.
 * @returns undefined where standard error is no terminal.
 */
export function progressBar(format: string, total: number): SingleBar | undefined {
  if (!process.stderr.isTTY) return undefined;
  const bar = new SingleBar({ stream: process.stderr, format, clearOnComplete: true, hideCursor: true });
  bar.start(total, 0, { told: '' });
  return bar;
}
