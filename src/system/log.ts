import type { RunOptions } from './runningSystem.js';

/** Passes one line on to whoever takes the logs of a run: of a node, or of the system itself. */
export function logLine({ onLog }: Pick<RunOptions, 'onLog'>, name: string, line: string): void {
  if (onLog) onLog(name, line);
  else process.stderr.write(`${name} | ${line}\n`);
}
