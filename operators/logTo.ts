import { resolve } from 'node:path';
import { EdgeFlowError, mapAsync } from 'edgeflow';
import { defer, finalize } from 'rxjs';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { checkAtLeast } from './checks.js';
import { FileSink } from './log/fileSink.js';
import { jsonLine } from './log/jsonLine.js';
import { GroupedSink, standardSink } from './log/lineSink.js';

/** Options of {@link logTo}. */
export interface LogToOptions<T> {
  /** What of a value is logged. @defaultValue the value */
  readonly select?: (value: T) => unknown;
  /** Size at which a file is put aside under a name with the time, in bytes. @defaultValue Infinity */
  readonly maxBytes?: number;
  /** Most files, the current one included; the oldest are removed. @defaultValue 10 */
  readonly maxFiles?: number;
  /** What a logged line survives: `process` any process's death, `power` a loss of power too. @defaultValue 'process' */
  readonly durability?: 'process' | 'power';
  /** How many values may wait for the write under way; they are then written together. @defaultValue 256 */
  readonly concurrency?: number;
}

/**
 * Writes each value as a line of JSON and passes it on.
 *
 * ```
 * in   --a-----b-----c--|
 *      logTo('detections.jsonl')
 * out  ---a-----b-----c-|
 * ```
 *
 * Byte arrays are summarised as `{ "bytes": n }`. Several processes may log to one file.
 *
 * - **Emits** each value, in order, when its line is written.
 * - **Settles** when the line is written and what is downstream is done with the value.
 * - **Fails** the delivery with `STORE_FAILED` when the line could not be written, so that it is tried again, and with
 *   what `select` throws.
 *
 * @param target - path of a file, made with its folders where missing, or `'stdout'` or `'stderr'`.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * detections.pipe(logTo('log/detections.jsonl', { maxBytes: 100e6, maxFiles: 5 })).subscribe();
 * ```
 */
export function logTo<T>(target: string, options: LogToOptions<T> = {}): MonoTypeOperatorFunction<T> {
  const { select = (value: T): unknown => value, maxBytes = Infinity, maxFiles = 10, durability = 'process', concurrency = 256 } = options;
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `logTo: ${what}`);
  };
  if (typeof target !== 'string' || target === '') fail("target is empty; expected the path of a file, 'stdout' or 'stderr'");
  checkAtLeast('logTo', 'maxBytes', maxBytes, 1);
  checkAtLeast('logTo', 'maxFiles', maxFiles, 1);
  checkAtLeast('logTo', 'concurrency', concurrency, 1);
  if (!['process', 'power'].includes(durability)) fail(`durability is '${durability}'; expected 'process' or 'power'`);

  return (source) =>
    defer(() => {
      const sink = new GroupedSink(
        target === 'stdout' || target === 'stderr'
          ? standardSink(target)
          : new FileSink({ path: resolve(target), maxBytes, maxFiles, sync: durability === 'power' }),
      );
      return source.pipe(
        mapAsync(
          async (value) => {
            await sink.write(jsonLine(select(value)));
            return value;
          },
          { concurrency },
        ),
        finalize(() => {
          sink.close().catch((error: unknown) => {
            process.emitWarning(`logTo: ${target} could not be closed: ${String(error)}`, 'EdgeFlowWarning');
          });
        }),
      );
    });
}
