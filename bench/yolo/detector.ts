import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decode } from '../../operators/yolo/decode.js';
import { DetectorSession } from '../../operators/yolo/detectorSession.js';
import { inputStyleOf } from '../../operators/yolo/heads.js';
import { Letterbox } from '../../operators/yolo/letterbox.js';
import { nms } from '../../operators/yolo/nms.js';
import { height, select, width } from './picture.js';

/** What a detector found in one frame, and how long its model took. */
export interface Turn {
  readonly objects: number;
  readonly modelMs: number;
}

/** The least that one thread can do about a frame, written by hand: letterbox, model, suppression, one after the other. */
export async function openDetector(model: string): Promise<(frame: Uint8Array) => Promise<Turn>> {
  const inputSize = { width: 640, height: 640 };
  const opened = await DetectorSession.open({
    kind: 'detect',
    path: model,
    providers: ['cpu'],
    maxBatch: 1,
    options: { task: 'detect', inputSize },
  });
  const { input, head } = opened.opened.info;
  await opened.close();
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
  const [inputName = ''] = session.inputNames;
  const [outputName = ''] = session.outputNames;
  const letterbox = new Letterbox(input, inputStyleOf(head));
  const feeds = { [inputName]: new Tensor('float32', letterbox.tensor, [1, 3, input.height, input.width]) };
  return async (frame) => {
    letterbox.fill(frame, { width, height }, 3);
    const startMs = performance.now();
    const { [outputName]: output } = await session.run(feeds);
    const modelMs = performance.now() - startMs;
    const candidates = decode(output?.data as Float32Array, head, input, select.scoreThreshold);
    return { objects: nms(candidates, select.iouThreshold, select.maxDetections).length, modelMs };
  };
}
