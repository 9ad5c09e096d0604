import { mapAsync } from 'edgeflow';
import { Observable } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { joinPool } from './pool.js';
import type { OpenModel, PoolSettings } from './pool.js';
import type { KindName, Kinds } from './protocol.js';
import type { ModelTensor } from '../models/modelTensors.js';
import type { Provider } from './providers.js';

/** What `onReady` is told of a model. */
export interface ReadyModel {
  readonly name: string;
  readonly path: string;
  /** What runs it. */
  readonly provider: Provider;
  /** Providers of an earlier choice that cannot be used here, and why. */
  readonly refused: readonly { readonly provider: Provider; readonly reason: string }[];
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
  /** How the output is read, such as `yolox`; undefined where the user's own function reads it. */
  readonly head: string | undefined;
  /** Size of the picture that the model sees, in pixels; undefined for `infer`. */
  readonly inputSize: { readonly width: number; readonly height: number } | undefined;
  readonly workers: number;
  /** Reading and preparing the file, in milliseconds. */
  readonly loadMs: number;
  /** The first run, on an empty input, in milliseconds; undefined where there was none. */
  readonly warmUpMs: number | undefined;
}

/** What an operator does with a model. */
export interface ModelWork<K extends KindName, T, R, F> {
  /** As users write it. */
  readonly operator: string;
  readonly pool: PoolSettings<K>;
  readonly onReady: ((model: ReadyModel) => void) | undefined;
  /** What of the loaded model depends on the subscriber's options. What it throws ends the stream. */
  readonly fit: (model: OpenModel<K>) => F;
  /** What is told of the model beside what all of them have. */
  readonly told: (info: Kinds[K]['info']) => Pick<ReadyModel, 'head' | 'inputSize'>;
  readonly work: (value: T, model: ModelHandle<K, F>) => Promise<R>;
}

/** The model as work on one value sees it. */
interface ModelHandle<K extends KindName, F> {
  /** Awaited after the value's own faults were looked for: a broken frame need not wait for the model. */
  readonly ready: Promise<F>;
  readonly run: (job: Kinds[K]['job']) => Promise<Kinds[K]['result']>;
}

/**
 * Makes the operator: shares the pool for as long as it is subscribed, ends the stream when the model cannot be used, and
 * has as many values under way as the pool can take, and as many again that stand ready for its next runs. Who wants only the newest
 * has its source give no more than are worked on, as a REALTIME link does.
 */
export function modelOperator<K extends KindName, T, R, F>(parts: ModelWork<K, T, R, F>): OperatorFunction<T, R> {
  const { operator, pool: settings, onReady = warnOf(operator), fit, told, work } = parts;
  return (values) =>
    new Observable((output) => {
      const { pool, leave } = joinPool(settings);
      output.add(leave);
      const ready = pool.opened.then((opened) => {
        const fitted = fit(opened);
        const { name, path, provider, refused, inputs, outputs, loadMs, warmUpMs, info } = opened;
        const { workers } = settings;
        if (!output.closed) onReady({ name, path, provider, refused, inputs, outputs, ...told(info), workers, loadMs, warmUpMs });
        return fitted;
      });
      const stop = (error: unknown): void => {
        output.error(error);
      };
      ready.catch(stop);
      pool.failed.catch(stop);
      output.add(
        values
          .pipe(
            mapAsync((value, { signal }) => work(value, { ready, run: (job) => pool.run(job, signal) }), {
              concurrency: 2 * settings.workers * settings.batch.max,
            }),
          )
          .subscribe(output),
      );
    });
}

function warnOf(operator: string): (model: ReadyModel) => void {
  return ({ name, provider, refused }) => {
    for (const each of refused)
      process.emitWarning(`${operator}: '${each.provider}' cannot be used (${each.reason}); '${provider}' runs ${name}`, {
        type: 'EdgeFlowWarning',
        code: 'PROVIDER_REFUSED',
      });
  };
}
