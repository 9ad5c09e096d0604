import { batch, defineNode } from 'edgeflow';
import { tap } from 'rxjs';
import { record } from '../recordFile.js';
import type { SoakValue } from '../value.js';

/** Writes down every value before it is acked. */
export default defineNode<SoakValue, SoakValue[], { file: string }>((values, { options: { file } }) =>
  values.pipe(
    batch(64, { maxWaitMs: 20 }),
    tap((together) => record(file, together)),
  ),
);
