import { defineNode } from 'edgeflow';
import { camera } from 'edgeflow/operators';
import type { CameraOptions, Frame } from 'edgeflow/operators';

/** A video, in frames of rgb24. */
export default defineNode<never, Frame, CameraOptions>((_, { options }) => camera(options));
