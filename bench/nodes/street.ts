import { defineNode } from 'edgeflow';
import { scene } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';

/** The generated street. */
export default defineNode<never, Frame, { readonly fps: number }>((_, { options }) => scene(options));
