/** Size in pixels of the frames that all peers get. */
export const width = 640;
export const height = 480;
/** Bytes of one frame of rgb24. */
export const frameBytes = width * height * 3;

/** How many frames the loops begin with: they have no more in memory, and count the objects in them. */
export const filmFrames = 10;

/** How detections are chosen, by all peers. */
export const select = { scoreThreshold: 0.5, iouThreshold: 0.45, maxDetections: 300, classIds: undefined };

/** What a loop over decoded frames found out, per frame. */
export interface LoopResult {
  readonly framesPerSecond: number;
  readonly modelMs: number;
  readonly aroundMs: number;
  readonly cpuMs: number;
  /** Objects in all frames of the first time through, to see that all peers do the same work. */
  readonly objects: number;
}
