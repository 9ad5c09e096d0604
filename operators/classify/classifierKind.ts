import type { RawPicture } from '../inference/protocol.js';
import type { PixelArea } from '../pictures/boxes.js';
import type { Size } from '../yolo/letterboxGeometry.js';

/** What `classify` does on the threads. */
export interface ClassifierKind {
  readonly options: ClassifierSettings;
  readonly info: ClassifierInfo;
  readonly job: ClassifyJob;
  /** One list for each area, or for the whole picture. */
  readonly result: readonly (readonly ClassScore[])[];
}

/** How a picture becomes the model's input. */
export interface PictureSettings {
  /** Subtracted from red, green and blue, which are from 0 to 1. */
  readonly mean: readonly number[];
  /** Then they are divided by this. */
  readonly std: readonly number[];
  readonly channelOrder: 'rgb' | 'bgr';
  /** Share of the largest part with the input's proportions that is kept, in the middle; undefined stretches the whole. */
  readonly cropShare: number | undefined;
}

/** How a classifier is opened. */
export interface ClassifierSettings extends PictureSettings {
  /** Size for models whose input has no fixed one. */
  readonly inputSize: Size;
  /** Whether areas of pictures are looked at, which may share a run where the model takes several. */
  readonly byAreas: boolean;
}

/** What a thread found out about its model. */
interface ClassifierInfo {
  readonly input: Size;
  readonly classes: number;
}

/** A picture, and what to tell of it. */
export interface ClassifyJob {
  readonly picture: RawPicture;
  /** The parts to look at, each by itself; undefined for the whole picture. */
  readonly areas: readonly PixelArea[] | undefined;
  readonly topK: number;
  readonly softmax: 'auto' | boolean;
}

/** How sure the model is of one class. */
export interface ClassScore {
  readonly classId: number;
  readonly score: number;
}
