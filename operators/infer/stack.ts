import { mixed } from '../inference/batchShapes.js';
import type { Outcome } from '../inference/protocol.js';
import { viewOf } from './tensors.js';
import type { TensorData, Tensors } from './tensors.js';

/** Jobs whose tensors have the same shapes, and can be run together; each list holds indices. */
export function alike(jobs: readonly Tensors[]): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (const [index, tensors] of jobs.entries()) {
    const names = Object.keys(tensors).sort();
    const key = JSON.stringify(names.map((name) => [name, tensors[name]?.dims]));
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  return [...groups.values()];
}

/** Puts tensors of the same shapes one behind the other along their first side, which is 1. */
export function stack(jobs: readonly Tensors[]): Tensors {
  const [first = {}] = jobs;
  return Object.fromEntries(
    Object.entries(first).map(([name, { data, dims }]) => {
      const bytes = new Uint8Array(data.byteLength * jobs.length);
      for (const [index, tensors] of jobs.entries()) {
        const each = tensors[name]?.data ?? data;
        bytes.set(new Uint8Array(each.buffer, each.byteOffset, each.byteLength), index * data.byteLength);
      }
      return [name, { data: viewOf(data, bytes.buffer), dims: [jobs.length, ...dims.slice(1)] }];
    }),
  );
}

/** Takes the outputs of a run of several apart again. Fails all of them where the outputs do not have one part for each. */
export function unstack(outputs: Tensors, count: number): Outcome<Tensors>[] {
  const named = Object.entries(outputs);
  const fits = named.every(([, { dims }]) => dims[0] === count);
  const failed = fits ? '' : mixed(named.map(([name, { dims }]) => ({ name, dims })), count); // prettier-ignore
  return Array.from({ length: count }, (_, index) => {
    if (!fits) return { failed };
    return { result: Object.fromEntries(named.map(([name, tensor]) => [name, part(tensor, index, count)])) };
  });
}

/** With memory of its own: a view would take those of the others along to the other thread. */
function part({ data, dims }: TensorData, index: number, count: number): TensorData {
  const length = data.length / count;
  return { data: data.slice(index * length, (index + 1) * length), dims: [1, ...dims.slice(1)] };
}
