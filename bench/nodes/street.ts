import { defineNode } from 'edgeflow';
import type { Frame } from 'edgeflow/operators';
import { streetCamera } from '../../recipes/street/camera.js';

/** The generated street. */
export default defineNode<never, Frame, { readonly fps: number }>((_, { options }) => streetCamera({ seed: 1, ...options }));
