import { EdgeFlowError } from 'edgeflow';
import type { ClassScore } from './classifierKind.js';

/**
 * The best classes, best first.
 *
 * @param softmax - `auto`: where the numbers are no probabilities yet, which sum up to 1.
 * @throws EdgeFlowError `INFERENCE_FAILED` for numbers that are not finite.
 */
export function bestScores(values: Float32Array, topK: number, softmax: 'auto' | boolean): ClassScore[] {
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0)
    throw new EdgeFlowError(
      'INFERENCE_FAILED',
      `the model gave ${values[broken]} for class ${broken}; expected finite numbers: its weights may be damaged`,
    );
  const scores = softmax === true || (softmax === 'auto' && !areProbabilities(values)) ? softmaxOf(values) : values;
  return Array.from(scores, (score, classId) => ({ classId, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, topK);
}

function areProbabilities(values: Float32Array): boolean {
  const sum = values.reduce((total, value) => total + value, 0);
  return Math.abs(sum - 1) < 1e-3 && values.every((value) => value >= 0 && value <= 1);
}

/** The largest is taken off first, so that no exponential overflows. */
function softmaxOf(values: Float32Array): Float32Array {
  const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const powers = values.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}
