import { constants, createReadStream, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
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
 * - **Fails** with `SOURCE_MISSING` where the path can't be read.
 * - **Completes** at the end of a file; a pipe's writers may come and go.
 */
export function readings(path: string): Observable<Reading> {
  return fromPull(({ signal }) => readLines(path, signal), { concurrency: 64, id: ({ time, value }) => `${time} ${value}` });
}

async function* readLines(path: string, signal: AbortSignal): AsyncGenerator<Reading, void> {
  try {
    const bytes = open(path);
    signal.addEventListener('abort', () => bytes.destroy());
    for await (const line of createInterface({ input: bytes })) {
      const reading = parse(line);
      if (reading) yield reading;
      else process.emitWarning(`readings: '${line.slice(0, 80)}' is skipped; expected { "time": …, "value": … }`, 'EdgeFlowWarning');
    }
  } catch (cause) {
    throw new EdgeFlowError('SOURCE_MISSING', `readings: ${path} can't be read; expected a file, a pipe or a serial device`, { cause });
  }
}

/** A plain read of what is silent can't be broken off, and would keep the process: pipes and devices are polled instead. */
function open(path: string): Readable {
  if (statSync(path).isFile()) return createReadStream(path);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
  return isatty(descriptor) ? new ReadStream(descriptor) : new Socket({ fd: descriptor, writable: false });
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
