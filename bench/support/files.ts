import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The folder with a real model and a real video: that of the tests, or the one that `EDGEFLOW_BENCH_FILES` names. */
const folder = process.env.EDGEFLOW_BENCH_FILES ?? resolve(import.meta.dirname, '../../../../shared');

/** Files that the benches read, and that are no part of the project. */
export const files = {
  model: resolve(folder, 'models/yolox_nano.onnx'),
  video: resolve(folder, 'media/vtest_20s.mp4'),
};

/** Why the files can't be used; undefined where they are there. */
export function missingFiles(): string | undefined {
  const absent = Object.values(files).filter((file) => !existsSync(file));
  return absent.length === 0 ? undefined : `there is no ${absent.join(', no ')}: let EDGEFLOW_BENCH_FILES name their folder`;
}
