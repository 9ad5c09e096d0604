import type { RawPicture } from '../inference/protocol.js';
import type { Size } from '../yolo/letterboxGeometry.js';

/** What `classify` does on the threads. */
export interface ClassifierKind {
  readonly options: ClassifierSettings;
  readonly info: ClassifierInfo;
  readonly job: ClassifyJob;
  readonly result: readonly ClassScore[];
}

/** How a picture becomes the model's input. */
export interface PictureSettings {
  /** Subtracted from red, green and blue, which are from 0 to 1. */
  readonly mean: readonly number[];
  /** Then they are divided by this. */
  readonly std: readonly number[];
  readonly channelOrder: 'rgb' | 'bgr';
  /** `cropShare` of the picture's short side that is kept, in the middle; undefined stretches the whole picture. */
  readonly cropShare: number | undefined;
}

/** How a classifier is opened. */
export interface ClassifierSettings extends PictureSettings {
  /** Size for models whose input has no fixed one. */
  readonly inputSize: Size;
}

/** What a thread found out about its model. */
interface ClassifierInfo {
  readonly input: Size;
  readonly classes: number;
}

/** A picture, and what to tell of it. */
export interface ClassifyJob {
  readonly picture: RawPicture;
  readonly topK: number;
  readonly softmax: 'auto' | boolean;
}

/** How sure the model is of one class. */
export interface ClassScore {
  readonly classId: number;
  readonly score: number;
}
