import { EdgeFlowError } from 'edgeflow';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decode } from './decode.js';
import { inputStyleOf, recogniseHead } from './heads.js';
import type { Head } from './heads.js';
import { toSource } from './letterboxGeometry.js';
import type { Size } from './letterboxGeometry.js';
import { Letterbox } from './letterbox.js';
import { nms } from './nms.js';
import type { Found, ModelInfo, SelectOptions, SharedPicture } from './protocol.js';

/** One thread a session: the pool makes use of further cores, and threads beyond the cores double the time. */
const sessionOptions: InferenceSession.SessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };

/** A loaded model with all that stands before and behind it: letterbox, head, suppression. Calls block their thread. */
export class ModelSession {
  readonly info: ModelInfo;
  readonly #session: InferenceSession;
  readonly #output: string;
  readonly #letterbox: Letterbox;
  readonly #feeds: Record<string, Tensor>;

  private constructor(session: InferenceSession, input: Size, head: Head, output: string) {
    this.info = { input, head };
    this.#session = session;
    this.#output = output;
    this.#letterbox = new Letterbox(input, inputStyleOf(head));
    this.#feeds = { [inputName(session)]: imageTensor(this.#letterbox.tensor, input) };
  }

  /**
   * Loads a model and runs it once, because only a run tells the output's true shape.
   *
   * @throws EdgeFlowError `MODEL_INVALID` for a file that is no model, and for a model that is no detector.
   */
  static async open(path: string, fallback: Size): Promise<ModelSession> {
    const session = await InferenceSession.create(path, sessionOptions);
    const input = inputSize(session, fallback);
    const blank = new Float32Array(3 * input.width * input.height);
    const outputs = await session.run({ [inputName(session)]: imageTensor(blank, input) });
    const shapes = Object.entries(outputs).map(([name, { dims, type }]) => ({ name, dims, type }));
    const readable = shapes.filter(({ type }) => type === 'float32');
    const { head, output } = recogniseHead(readable.length > 0 ? readable : shapes, input);
    if (readable.length === 0)
      throw invalid(
        `the output is of ${shapes.map(({ type }) => type).join(', ')}; expected float32: export the model without half precision`,
      );
    return new ModelSession(session, input, head, output);
  }

  async detect({ width, height, channels, pixels }: SharedPicture, select: SelectOptions): Promise<Found[]> {
    const { input, head } = this.info;
    const bytes = new Uint8Array(pixels, 0, width * height * channels);
    const geometry = this.#letterbox.fill(bytes, { width, height }, channels);
    const outputs = await this.#session.run(this.#feeds, [this.#output]);
    const values = outputs[this.#output]?.data;
    if (!(values instanceof Float32Array))
      throw new EdgeFlowError('INFERENCE_FAILED', `the model gave no float32 output '${this.#output}'`);
    const { classIds, scoreThreshold, iouThreshold, maxDetections } = select;
    const candidates = decode(values, head, input, scoreThreshold).filter(({ classId }) => classIds?.includes(classId) ?? true);
    // An end-to-end head has suppressed already; doing it again by another threshold would drop what it meant to keep.
    const kept = head.kind === 'endToEnd' ? nms(candidates, 1, maxDetections) : nms(candidates, iouThreshold, maxDetections);
    return kept.flatMap(({ box, score, classId }) => {
      const [x1, y1, x2, y2] = toSource(box, geometry);
      return x2 > x1 && y2 > y1 ? [[x1, y1, x2, y2, score, classId] as const] : [];
    });
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

function imageTensor(values: Float32Array<ArrayBuffer>, { width, height }: Size): Tensor {
  return new Tensor('float32', values, [1, 3, height, width]);
}

function inputName(session: InferenceSession): string {
  return session.inputNames[0] ?? '';
}

function invalid(message: string): EdgeFlowError {
  return new EdgeFlowError('MODEL_INVALID', message);
}

/** A dimension without a number is one that the caller chooses. */
function inputSize(session: InferenceSession, fallback: Size): Size {
  const [image, ...others] = session.inputMetadata;
  const expected = "expected one float32 picture [1, 3, height, width]: export the model as a plain detector with 'NCHW' input";
  if (!image || others.length > 0) throw invalid(`the model has ${session.inputMetadata.length} inputs; ${expected}`);
  if (!image.isTensor || image.type !== 'float32')
    throw invalid(`the input '${image.name}' is ${image.isTensor ? image.type : 'no tensor'}; ${expected}`);
  const [batch, channels, height, width] = image.shape;
  const fits = (found: number | string | undefined, wanted: number): boolean => typeof found === 'string' || found === wanted;
  if (image.shape.length !== 4 || !fits(batch, 1) || !fits(channels, 3))
    throw invalid(`the input '${image.name}' is [${image.shape.join(', ')}]; ${expected}`);
  return {
    width: typeof width === 'number' ? width : fallback.width,
    height: typeof height === 'number' ? height : fallback.height,
  };
}
