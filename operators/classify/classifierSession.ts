import { Tensor } from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import type { OpenedSession, Outcome, Runner, WorkerSettings } from '../inference/protocol.js';
import { attempt, invalidModel, openSession, timed } from '../inference/session.js';
import { pictureInput } from '../yolo/pictureInput.js';
import type { ClassScore, ClassifierSettings, ClassifyJob } from './classifierKind.js';
import { fillPlanes } from './resample.js';
import { bestScores } from './scores.js';

/** A loaded classifier with all that stands before and behind it. */
export class ClassifierSession implements Runner<'classify'> {
  readonly opened: OpenedSession<'classify'>;
  readonly #session: InferenceSession;
  readonly #settings: ClassifierSettings;
  readonly #tensor: Float32Array<ArrayBuffer>;

  private constructor(session: InferenceSession, opened: OpenedSession<'classify'>, settings: ClassifierSettings) {
    this.opened = opened;
    this.#session = session;
    this.#settings = settings;
    this.#tensor = new Float32Array(3 * opened.info.input.width * opened.info.input.height);
  }

  /** @throws EdgeFlowError `MODEL_INVALID` for a file that is no model, and for a model that is no classifier. */
  static async open({ path, providers, options }: WorkerSettings<'classify'>): Promise<ClassifierSession> {
    const { session, ...loaded } = await openSession(path, providers);
    const input = pictureInput(loaded.inputs, options.inputSize, 1);
    const blank = new Tensor('float32', new Float32Array(3 * input.width * input.height), [1, 3, input.height, input.width]);
    const { result, ms: warmUpMs } = await timed(() => session.run({ [session.inputNames[0] ?? '']: blank }));
    const [name = ''] = session.outputNames;
    const output = result[name];
    // [1, classes], or the same with sides of 1 behind it, as of a pooling layer.
    const classes = output?.dims[1] ?? 0;
    if (output?.type !== 'float32' || classes < 2 || output.dims.reduce((product, side) => product * side, 1) !== classes)
      throw invalidModel(
        `the output '${name}' is ${output?.type} [${output?.dims.join(', ')}]; expected float32 [1, classes] of at least two classes: export the model as a plain classifier`,
      );
    return new ClassifierSession(session, { ...loaded, info: { input, classes }, warmUpMs }, options);
  }

  async run(jobs: readonly ClassifyJob[]): Promise<readonly Outcome<readonly ClassScore[]>[]> {
    const { input } = this.opened.info;
    const [inputName = ''] = this.#session.inputNames;
    const [outputName = ''] = this.#session.outputNames;
    const outcomes: Outcome<readonly ClassScore[]>[] = [];
    for (const { picture, topK, softmax } of jobs) {
      fillPlanes(this.#tensor, picture, input, this.#settings);
      const outputs = await this.#session.run({ [inputName]: new Tensor('float32', this.#tensor, [1, 3, input.height, input.width]) }, [
        outputName,
      ]);
      outcomes.push(attempt(() => bestScores(outputs[outputName]?.data as Float32Array, topK, softmax)));
    }
    return outcomes;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
