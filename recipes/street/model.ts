import { fileURLToPath } from 'node:url';
import type { SceneLabel } from 'edgeflow/operators';

/**
 * Path of the small detector that knows the street scene's people, cars, dogs and bicycles: a YOLOv8-shaped ONNX file
 * with its labels inside, trained by this project on pictures drawn by this project (`recipes/street/training`).
 */
export const streetModelPath: string = fileURLToPath(new URL('./street.onnx', import.meta.url));

/** The classes that the detector knows, in the order of its output. */
export const streetLabels = ['person', 'car', 'dog', 'bicycle'] as const satisfies readonly SceneLabel[];
