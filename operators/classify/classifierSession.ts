import { Tensor } from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import { shapesOfOne } from '../inference/batchShapes.js';
import type { OutputShape } from '../inference/batchShapes.js';
import { attempt } from '../inference/outcomes.js';
import type { OpenedSession, Outcome, RawPicture, Runner, WorkerSettings } from '../inference/protocol.js';
import { invalidModel, openSession, timed } from '../inference/session.js';
import type { PixelArea } from '../pictures/boxes.js';
import type { Size } from '../yolo/letterboxGeometry.js';
import { pictureInput } from '../yolo/pictureInput.js';
import type { ClassScore, ClassifierSettings, ClassifyJob } from './classifierKind.js';
import { fillPlanes } from './resample.js';
import { bestScores } from './scores.js';

/** Most areas of one picture in a run, where the user does not say how many. */
const areasTogether = 16;

/** A part of a picture, or all of it. */
interface View {
  readonly picture: RawPicture;
  readonly area: PixelArea | undefined;
}

/** A loaded classifier with all that stands before and behind it. */
export class ClassifierSession implements Runner<'classify'> {
  readonly opened: OpenedSession<'classify'>;
  readonly #session: InferenceSession;
  readonly #settings: ClassifierSettings;
  /** Most views in a run. */
  readonly #together: number;
  /** The views of a run, one behind the other. Grows as they come. */
  #tensor = new Float32Array();

  private constructor(session: InferenceSession, opened: OpenedSession<'classify'>, settings: ClassifierSettings, together: number) {
    this.opened = opened;
    this.#session = session;
    this.#settings = settings;
    this.#together = together;
  }

  /**
   * Loads a model and runs it once, as full as it will be.
   *
   * @throws EdgeFlowError `MODEL_INVALID` for a file that is no model, and for a model that is no classifier; `OPTIONS_INVALID`
   * for a batch that the model cannot take.
   */
  static async open({ path, providers, maxBatch, options }: WorkerSettings<'classify'>): Promise<ClassifierSession> {
    const { session, ...loaded } = await openSession(path, providers);
    const input = pictureInput(loaded.inputs, options.inputSize, maxBatch);
    const { result: output, ms: warmUpMs } = await timed(() => tryOut(session, input, maxBatch));
    const [{ dims } = output] = shapesOfOne([output], maxBatch);
    // [1, classes], or the same with sides of 1 behind it, as of a pooling layer.
    const classes = dims[1] ?? 0;
    if (output.type !== 'float32' || classes < 2 || dims.reduce((product, side) => product * side, 1) !== classes)
      throw invalidModel(
        `the output '${output.name}' is ${output.type} [${dims.join(', ')}]; expected float32 [1, classes] of at least two classes: export the model as a plain classifier`,
      );
    const several = options.byAreas && maxBatch === 1 && typeof loaded.inputs[0]?.shape[0] === 'string';
    const together = several && (await takesSeveral(session, input)) ? areasTogether : maxBatch;
    return new ClassifierSession(session, { ...loaded, info: { input, classes }, warmUpMs }, options, together);
  }

  async run(jobs: readonly ClassifyJob[]): Promise<readonly Outcome<readonly (readonly ClassScore[])[]>[]> {
    const views = jobs.map(({ picture, areas = [undefined] }) => areas.map((area) => ({ picture, area })));
    const numbers = await this.#numbersOf(views.flat());
    const { classes } = this.opened.info;
    let next = 0;
    return jobs.map(({ topK, softmax }, job) => {
      const start = next;
      next += views[job]?.length ?? 0;
      return attempt(() =>
        Array.from({ length: next - start }, (_, i) =>
          bestScores(numbers.subarray((start + i) * classes, (start + i + 1) * classes), topK, softmax),
        ),
      );
    });
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  /** What the model gives for some views, one behind the other. */
  async #numbersOf(views: readonly View[]): Promise<Float32Array> {
    const { classes } = this.opened.info;
    const numbers = new Float32Array(views.length * classes);
    for (let at = 0; at < views.length; at += this.#together) {
      const some = views.slice(at, at + this.#together);
      const given = await this.#runOn(some);
      if (given.length !== some.length * classes)
        throw invalidModel(`the model gave ${given.length} numbers for ${some.length} pictures; expected ${classes} for each`);
      numbers.set(given, at * classes);
    }
    return numbers;
  }

  async #runOn(views: readonly View[]): Promise<Float32Array> {
    const { input } = this.opened.info;
    const [inputName = ''] = this.#session.inputNames;
    const [outputName = ''] = this.#session.outputNames;
    const length = 3 * input.width * input.height;
    if (this.#tensor.length < views.length * length) this.#tensor = new Float32Array(views.length * length);
    const tensor = this.#tensor.subarray(0, views.length * length);
    for (const [slot, { picture, area }] of views.entries())
      fillPlanes(tensor.subarray(slot * length, (slot + 1) * length), picture, input, this.#settings, area);
    const outputs = await this.#session.run({ [inputName]: imageTensor(tensor, views.length, input) }, [outputName]);
    return outputs[outputName]?.data as Float32Array;
  }
}

/** The first output's name, type and shape, as a run on empty pictures gives it. */
async function tryOut(session: InferenceSession, input: Size, count: number): Promise<OutputShape & { readonly type: string | undefined }> {
  const blank = imageTensor(new Float32Array(count * 3 * input.width * input.height), count, input);
  const outputs = await session.run({ [session.inputNames[0] ?? '']: blank });
  const [name = ''] = session.outputNames;
  return { name, type: outputs[name]?.type, dims: outputs[name]?.dims ?? [] };
}

/** Whether a model whose input is open for several pictures gives something for each: shapes within may be fixed for one. */
async function takesSeveral(session: InferenceSession, input: Size): Promise<boolean> {
  try {
    return (await tryOut(session, input, 2)).dims[0] === 2;
  } catch {
    // It cannot, and need not: one at a time gives the same.
    return false;
  }
}

function imageTensor(values: Float32Array<ArrayBuffer>, count: number, { width, height }: Size): Tensor {
  return new Tensor('float32', values, [count, 3, height, width]);
}
