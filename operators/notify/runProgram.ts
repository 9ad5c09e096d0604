import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EdgeFlowError, mapAsync } from 'edgeflow';
import type { MonoTypeOperatorFunction } from 'rxjs';
import type { Alert } from './alert.js';

const run = promisify(execFile);
const timeoutMs = 30_000;

/** Runs a program for each alert, without a shell, with title and message as its last arguments. */
export function runProgram([program, ...args]: readonly [string, ...string[]]): MonoTypeOperatorFunction<Alert> {
  return mapAsync(async (alert, { signal }) => {
    try {
      // A title of `--help` is no option: no argument of a value begins with a dash.
      const safe = (text: string): string => text.replaceAll('\0', '').replace(/^-/, '\u2010');
      await run(program, [...args, safe(alert.title), safe(alert.message)], { timeout: timeoutMs, signal });
      return alert;
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? `it ended with ${String(error.code)}` : String(error);
      throw new EdgeFlowError('SINK_REFUSED', `notify: ${program} did not take the alert: ${reason}`, { cause: error });
    }
  });
}
