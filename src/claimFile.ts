import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';

interface Claim {
  readonly pid: number;
  /** When the process started, as the system counts; tells it from a later one with the same number. */
  readonly started: string;
  /** Tells the clients of one process apart, those of its threads too. */
  readonly session: number;
}

/** Start time of a living process; undefined when there is none. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return undefined;
  }
  try {
    // The name in parentheses may hold blanks; the start time is the 20th field behind it.
    const [, fields = ''] = /\) (.*)$/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').trim()) ?? [];
    return fields.split(' ')[19] ?? '';
  } catch {
    // Only Linux has it. Elsewhere the number of the process must do.
    return '';
  }
}

function readClaim(file: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Claim;
  } catch {
    // Not there, or torn by a kill: nobody's.
    return undefined;
  }
}

/**
 * Makes a client of this process the one that a file names, unless another one that lives is.
 *
 * @returns whether it is the one now.
 */
export function claimFile(file: string, session: number): boolean {
  const claim: Claim = { pid: process.pid, started: startOf(process.pid) ?? '', session };
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const descriptor = openSync(file, 'wx', 0o600);
      writeSync(descriptor, JSON.stringify(claim));
      closeSync(descriptor);
      return true;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const other = readClaim(file);
    if (other?.pid === process.pid && other.session === session) return true;
    if (other && startOf(other.pid) === other.started) return false;
    rmSync(file, { force: true });
  }
  return false;
}

/** Gives a client's claim back. */
export function releaseFile(file: string, session: number): void {
  const claim = readClaim(file);
  if (claim?.pid === process.pid && claim.session === session) rmSync(file, { force: true });
}
