import { constants, createReadStream, openSync, ReadStream as FileStream, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { isatty, ReadStream as TerminalStream } from 'node:tty';
import { EdgeFlowError, fromPull } from 'edgeflow';
import type { Observable } from 'rxjs';

/** What a sensor measured. */
export interface Reading {
  /** In milliseconds since the epoch, by the sensor's clock. */
  readonly time: number;
  readonly value: number;
}

/**
 * The readings of a sensor that writes a line of JSON for each, `{ "time": …, "value": … }`: to a file, a named pipe or a serial
 * device. Lines that are none, such as the one that a device was in the middle of, are skipped and told.
 *
 * - **Fails** with `SOURCE_MISSING` where the path can't be opened, with `SOURCE_FAILED` where it breaks off, as by a pulled plug.
 * - **Completes** at the end of a file; a pipe's writers may come and go.
 */
export function readings(path: string): Observable<Reading> {
  return fromPull(({ signal }) => readLines(path, signal), { concurrency: 64, id: ({ time, value }) => `${time} ${value}` });
}

async function* readLines(path: string, signal: AbortSignal): AsyncGenerator<Reading, void> {
  const bytes = open(path);
  const lines = createInterface({ input: bytes });
  // Lines that end do not tell why; those of a pipe or a device end with it alone.
  const end: { failed: boolean; cause?: Error } = { failed: !(bytes instanceof FileStream) };
  bytes.once('error', (cause: Error) => {
    Object.assign(end, { failed: true, cause });
    lines.close();
  });
  signal.addEventListener('abort', () => bytes.destroy());
  for await (const line of lines) {
    const reading = parse(line);
    if (reading) yield reading;
    else process.emitWarning(`readings: '${line.slice(0, 80)}' is skipped; expected { "time": …, "value": … }`, 'EdgeFlowWarning');
  }
  if (end.failed && !signal.aborted) throw new EdgeFlowError('SOURCE_FAILED', `readings: ${path} broke off`, { cause: end.cause });
}

/** A plain read of what is silent can't be broken off, and would keep the process: pipes and devices are polled instead. */
function open(path: string): Readable {
  try {
    if (statSync(path).isFile()) return createReadStream(path);
    const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
    return isatty(descriptor) ? new TerminalStream(descriptor) : new Socket({ fd: descriptor, writable: false });
  } catch (cause) {
    throw new EdgeFlowError('SOURCE_MISSING', `readings: ${path} can't be opened; expected a file, a pipe or a serial device`, { cause });
  }
}

function parse(line: string): Reading | undefined {
  try {
    const { time, value } = JSON.parse(line) as Partial<Record<'time' | 'value', unknown>>;
    return typeof time === 'number' && typeof value === 'number' ? { time, value } : undefined;
  } catch {
    // Not JSON, or nothing that has properties: told by who asked.
    return undefined;
  }
}
