import { QoS } from 'edgeflow';
import { camera, detectYolo } from 'edgeflow/operators';
import type { Detections, Frame, Point } from 'edgeflow/operators';
import { map } from 'rxjs';
import type { Observable, OperatorFunction } from 'rxjs';
import { streetModelPath } from '../street/model.js';

/** Options of recipes on a video. */
export interface VideoOptions {
  /** A video file, a url, `/dev/videoN`; or the generated street of a seed: `street:1`. */
  readonly source: string;
  /** Frames a second; a camera's are left out or repeated to match. */
  readonly fps: number;
  /**
   * `true`: at the video's own speed, as a camera's. `false`: every frame, as fast as the machine can, with the times of a
   * recording that began in 1970.
   */
  readonly pace: boolean;
}

/** What the options are when nothing is said: the generated street. */
export const videoDefaults: VideoOptions & {
  /** The detector. @defaultValue the street's own for `street:…`, else `yolox-nano` */
  readonly model: string | undefined;
} = { source: 'street:1', fps: 15, pace: true, model: undefined };

/** A line across the near pavement of the generated street. */
export const pavementLine: readonly [Point, Point] = [
  [0.5, 0.78],
  [0.5, 1],
];

/** A zone of it: the middle of that pavement. */
export const pavement: readonly Point[] = [
  [0.3, 0.78],
  [0.7, 0.78],
  [0.7, 1],
  [0.3, 1],
];

/** The frames of a video. */
export function video({ source, fps, pace }: VideoOptions): Observable<Frame> {
  const frames = camera({ source, fps, pace });
  return pace ? frames : frames.pipe(map((frame) => ({ ...frame, time: (frame.index * 1000) / fps })));
}

/** A detector's quality of service: always the newest frame of what goes on now, every frame of a recording that is not paced. */
export function detectorQoS({ pace }: Pick<VideoOptions, 'pace'>): QoS {
  return pace ? QoS.REALTIME : QoS.DURABLE;
}

/** Finds people for a tracker, which makes use of unlikely finds too. */
export function findPeople(model: string): OperatorFunction<Frame, Detections> {
  return detectYolo({ model, classes: ['person'], scoreThreshold: 0.1 });
}

/** The model for a source: the small one knows the generated street alone. */
export function modelFor(source: string): string {
  return source.startsWith('street:') ? streetModelPath : 'yolox-nano';
}
