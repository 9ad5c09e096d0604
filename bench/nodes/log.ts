import { defineNode } from 'edgeflow';
import { logTo } from 'edgeflow/operators';

/** A JSON line for each value. */
export default defineNode<unknown, unknown, { readonly file: string }>((values, { options: { file } }) => values.pipe(logTo(file)));
