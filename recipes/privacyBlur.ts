import { defineRecipe, QoS, System } from 'edgeflow';
import { blurRegions, camera, detectYolo, encodeJpeg, serveMjpeg } from 'edgeflow/operators';
import type { Detections, Frame } from 'edgeflow/operators';
import { scan } from 'rxjs';
import { withResult } from './parts/withResult.js';
import type { WithResult } from './parts/withResult.js';

/** A frame, and what was found in it. */
type Seen = WithResult<Frame, Detections>;

/** The newest first. */
type Lately = readonly [Seen, ...Seen[]];

/**
 * Streams a camera on, with people, or what else is named, covered: `http://127.0.0.1:8090/video.mjpg` is a camera that shows nobody.
 *
 * Nodes: `camera` → `covered` → `restream`. What the model does not find is not covered: hence a low `score`, and boxes that
 * stay for `keepFrames` frames.
 *
 * @example
 * ```sh
 * edgeflow run privacyBlur.js -- --source rtsp://10.0.0.7/stream1 --classes '["person", "car"]' --port 8090
 * ```
 */
export const privacyBlur = defineRecipe(
  { source: '/dev/video0', model: 'yolox-nano', classes: ['person'], score: 0.2, keepFrames: 5, host: '127.0.0.1', port: 8090 },
  ({ source, model, classes, score, keepFrames, host, port }) => {
    const system = new System('privacy-blur');
    const frames = system.node(() => camera({ source }), { name: 'camera' });
    const covered = system.node(
      (_, { input }) =>
        input<Frame>('camera').pipe(
          withResult(detectYolo({ model, classes, scoreThreshold: score })),
          // Who is missed in one frame was there a moment ago.
          scan<Seen, Lately, readonly Seen[]>((lately, seen) => [seen, ...lately.slice(0, keepFrames - 1)], []),
          blurRegions({
            frame: ([{ value }]) => value,
            boxes: (lately) => lately.flatMap(({ result }) => result.objects.map(({ box }) => box)),
            margin: 0.2,
          }),
          encodeJpeg(),
        ),
      { name: 'covered' },
    );
    const restream = system.node((_, { input, show }) => input<Frame>('covered').pipe(serveMjpeg({ host, port, onListening: show })), {
      name: 'restream',
    });
    // A live picture: what is late is of no use to anybody.
    system.link(frames).to(covered, QoS.REALTIME).to(restream, QoS.REALTIME);
    return system;
  },
);
export default privacyBlur;
