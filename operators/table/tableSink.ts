import { mapAsync } from 'edgeflow';
import { defer, finalize } from 'rxjs';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { withIdentity } from '../blobs/deliveryIdentity.js';
import { storeFailed } from '../blobs/files.js';
import { messageKey } from '../sinks/messageKey.js';
import { Target } from '../sinks/target.js';
import type { Outage } from '../sinks/target.js';
import { Gathered } from './gathered.js';

/** A table that is open. */
interface OpenTable<G> {
  /** Writes what several values gave, and gives an error, or none, for each; rejects for all of them. */
  readonly write: (groups: readonly G[]) => Promise<readonly (Error | undefined)[]>;
  readonly close: () => void;
}

/** Where values go, and how. */
export interface TableSinkSettings<T, G> {
  /** As users write it. */
  readonly operator: string;
  readonly path: string;
  readonly patienceMs: number;
  readonly concurrency: number;
  /** What a value gives; the key is the same when its message is delivered again, and undefined for a value of no broker. */
  readonly groupOf: (value: T, key: string | undefined) => G;
  readonly outageOf: (error: unknown) => Outage | undefined;
  /** Called for each subscription. */
  readonly open: () => OpenTable<G>;
}

/** Writes what values give to a table, many in one step under load, and passes each on when it is there. */
export function tableSink<T, G>(settings: TableSinkSettings<T, G>): MonoTypeOperatorFunction<T> {
  const { operator, path, patienceMs, concurrency, groupOf, outageOf, open } = settings;
  return (source) =>
    defer(() => {
      const target = new Target({ operator, label: path, patienceMs, code: 'STORE_FAILED' });
      const table = open();
      const closing = new AbortController();
      const writes = new Gathered<G>((groups) =>
        target
          .reach(() => table.write(groups), outageOf, closing.signal)
          .catch((error: unknown) => {
            throw storeFailed(operator, path, error);
          }),
      );
      return source.pipe(
        withIdentity(operator),
        mapAsync(
          async ({ value, identity }) => {
            await writes.add(groupOf(value, identity === undefined ? undefined : messageKey(identity)));
            return value;
          },
          { concurrency },
        ),
        finalize(() => {
          closing.abort();
          table.close();
        }),
      );
    });
}
