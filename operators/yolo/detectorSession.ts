import { Tensor } from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import { readOnnxMetadata } from '../models/onnxMetadata.js';
import type { OpenedSession, Outcome, Runner, WorkerSettings } from '../inference/protocol.js';
import { shapesOfOne } from '../inference/batchShapes.js';
import { attempt } from '../inference/outcomes.js';
import { invalidModel, openSession, timed } from '../inference/session.js';
import { isInside } from '../meaning/polygon.js';
import { decode } from './decode.js';
import type { DetectJob, DetectorInfo, DetectorSettings, Found, SelectOptions } from './detectorKind.js';
import { inputStyleOf, recogniseHead } from './heads.js';
import type { Head } from './heads.js';
import { keypointsAt } from './keypoints.js';
import { toSource } from './letterboxGeometry.js';
import type { LetterboxGeometry, Size } from './letterboxGeometry.js';
import { Letterbox } from './letterbox.js';
import { nms } from './nms.js';
import { pictureInput } from './pictureInput.js';
import { parseKeypointShape, recognisePoseHead } from './poseHeads.js';

/** A loaded detector with all that stands before and behind it: letterbox, head, suppression. */
export class DetectorSession implements Runner<'detect'> {
  readonly opened: OpenedSession<'detect'>;
  readonly #session: InferenceSession;
  readonly #input: string;
  readonly #output: string;
  /** The pictures of a run, one behind the other; each has a letterbox that writes to its place. */
  readonly #tensor: Float32Array<ArrayBuffer>;
  readonly #letterboxes: readonly Letterbox[];

  private constructor(session: InferenceSession, opened: OpenedSession<'detect'>, output: string, tensor: Float32Array<ArrayBuffer>) {
    this.opened = opened;
    this.#session = session;
    this.#input = session.inputNames[0] ?? '';
    this.#output = output;
    this.#tensor = tensor;
    const { input, head } = opened.info;
    const length = 3 * input.width * input.height;
    const style = inputStyleOf(head);
    this.#letterboxes = Array.from(
      { length: tensor.length / length },
      (_, slot) => new Letterbox(input, style, tensor.subarray(slot * length, (slot + 1) * length)),
    );
  }

  /**
   * Loads a model and runs it once, as full as it will be: only a run tells the output's true shape, and the first one
   * is slow.
   *
   * @throws EdgeFlowError `MODEL_INVALID` for a file that is no model, and for a model that is no detector; `OPTIONS_INVALID`
   * for a batch that the model cannot take.
   */
  static async open({ path, providers, maxBatch, options }: WorkerSettings<'detect'>): Promise<DetectorSession> {
    const { session, ...loaded } = await openSession(path, providers);
    const input = pictureInput(loaded.inputs, options.inputSize, maxBatch);
    const tensor = new Float32Array(maxBatch * 3 * input.width * input.height);
    const { result: outputs, ms: warmUpMs } = await timed(() =>
      session.run({ [session.inputNames[0] ?? '']: imageTensor(tensor, maxBatch, input) }),
    );
    const { head, output } = await readHead(outputs, input, path, options.task, maxBatch);
    const info: DetectorInfo = { input, head };
    return new DetectorSession(session, { ...loaded, info, warmUpMs }, output, tensor);
  }

  async run(jobs: readonly DetectJob[]): Promise<readonly Outcome<readonly Found[]>[]> {
    const geometries = jobs.map(({ picture }, slot) => this.#letterboxes[slot]?.fill(picture.pixels, picture, picture.channels));
    const { input } = this.opened.info;
    const pixels = this.#tensor.subarray(0, jobs.length * 3 * input.width * input.height);
    const outputs = await this.#session.run({ [this.#input]: imageTensor(pixels, jobs.length, input) }, [this.#output]);
    const values = outputs[this.#output]?.data;
    if (!(values instanceof Float32Array)) throw invalidModel(`the model gave no float32 output '${this.#output}'`);
    const length = values.length / jobs.length;
    return jobs.map(({ select }, slot) =>
      attempt(() => {
        const geometry = geometries[slot];
        return geometry ? this.#choose(values.subarray(slot * length, (slot + 1) * length), geometry, select) : [];
      }),
    );
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  #choose(values: Float32Array, geometry: LetterboxGeometry, select: SelectOptions): Found[] {
    const { input, head } = this.opened.info;
    const { classIds, scoreThreshold, iouThreshold, maxDetections, region } = select;
    const candidates = decode(values, head, input, scoreThreshold).filter(({ classId }) => classIds?.includes(classId) ?? true);
    const wanted = ({ box }: Pick<Found, 'box'>): boolean => {
      const [x1, y1, x2, y2] = toSource(box, geometry);
      return x2 > x1 && y2 > y1 && (!region || isInside(region, [(x1 + x2) / 2, y2]));
    };
    // An end-to-end head has suppressed already; doing it again by another threshold would drop what it meant to keep.
    const kept = nms(candidates, head.kind === 'endToEnd' ? 1 : iouThreshold, maxDetections, wanted);
    return kept.map(({ box, score, classId, anchor }) => {
      const found = { box: toSource(box, geometry), score, classId };
      return 'keypoints' in head ? { ...found, keypoints: keypointsAt(values, head, anchor, geometry) } : found;
    });
  }
}

function imageTensor(values: Float32Array<ArrayBuffer>, count: number, { width, height }: Size): Tensor {
  return new Tensor('float32', values, [count, 3, height, width]);
}

async function readHead(
  outputs: InferenceSession.OnnxValueMapType,
  input: Size,
  path: string,
  task: DetectorSettings['task'],
  count: number,
): Promise<{ readonly head: Head; readonly output: string }> {
  const tensors = Object.entries(outputs).map(([name, { dims, type }]) => ({ name, dims, type }));
  const readable = tensors.filter(({ type }) => type === 'float32');
  const shapes = shapesOfOne(readable.length > 0 ? readable : tensors, count);
  const said = task === 'pose' ? (await readOnnxMetadata(path)).get('kpt_shape') : undefined;
  const told =
    task === 'pose'
      ? recognisePoseHead(shapes, input, said === undefined ? undefined : parseKeypointShape(said))
      : recogniseHead(shapes, input);
  if (readable.length === 0)
    throw invalidModel(
      `the output is of ${tensors.map(({ type }) => type).join(', ')}; expected float32: export the model without half precision`,
    );
  return told;
}
