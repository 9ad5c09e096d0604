import { resolve } from 'node:path';
import { fromPull, RecordingReader, sleepMs } from 'edgeflow';
import type { Observable } from 'rxjs';
import { checkNeeded, checkPositive } from './checks.js';

/** Options of {@link replay}. */
export interface ReplayOptions {
  /** How many times as fast as it was recorded; `Infinity` for as fast as the values are dealt with. @defaultValue Infinity */
  readonly speed?: number;
  /** In a recording of several topics: the one whose values are given. @defaultValue all, in the order of their times */
  readonly topic?: string;
}

/**
 * Gives again what `recordTo`, or `edgeflow record`, has recorded: the same values in the same order, none left out, however
 * fast the consumer is.
 *
 * ```
 * file     a b c
 *          replay('session.rec')
 * out  a-----b-----c-----|       the next when the last has settled
 * ```
 *
 * - **Emits** each recorded value. At a finite speed never earlier than its time, counted from the first one.
 * - **Settles** nothing but its own demand.
 * - **Fails** with `SOURCE_MISSING` where there is no such file, `MESSAGE_CORRUPT` where it is no recording or is damaged, `OPTIONS_INVALID` at the
 *   end where `topic` was not recorded, and with the error of a delivery that failed. A record at the end that a crash cut off is left out, with a warning.
 * - **Completes** at the end of the recording.
 *
 * @param file - path of the recording.
 * @returns the stream.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * replay<Frame>('yolo.rec').pipe(detectYolo(), toArray())
 * ```
 */
export function replay<T>(file: string, { speed = Infinity, topic }: ReplayOptions = {}): Observable<T> {
  checkPositive('replay', 'speed', speed);
  checkNeeded('replay', 'file', file, typeof file === 'string' && file !== '', 'the path of a recording');
  const path = resolve(file);

  return fromPull(async function* ({ signal }): AsyncGenerator<T> {
    const reader = await RecordingReader.open(path, 'replay');
    try {
      const begun = performance.now();
      let first: number | undefined;
      for (let record = await reader.next(); record; record = await reader.next()) {
        if (topic !== undefined && record.from.topic !== topic) continue;
        first ??= record.at;
        const waitMs = begun + (record.at - first) / speed - performance.now();
        if (speed !== Infinity && waitMs > 0) await sleepMs(waitMs, signal);
        yield record.value as T;
      }
      if (topic !== undefined) reader.checkTopic(topic, 'replay');
      reader.warnOfTorn();
    } finally {
      await reader.close();
    }
  });
}
