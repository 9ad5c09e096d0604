import { defineRecipe, QoS, System } from 'edgeflow';
import { camera, encodeJpeg, serveMjpeg, tileFrames } from 'edgeflow/operators';
import type { Frame } from 'edgeflow/operators';
import type { Observable } from 'rxjs';

/**
 * Shows several cameras on one picture, `http://127.0.0.1:8091/`: each tile its camera's newest frame, gray where nothing comes.
 *
 * Nodes: `camera-1`, `camera-2` … → `wall` → `screen`.
 *
 * @example
 * ```sh
 * edgeflow run cameraWall.js -- --sources '["rtsp://10.0.0.7/stream1", "/dev/video0"]' --columns 2 --width 1920
 * ```
 */
export const cameraWall = defineRecipe(
  {
    sources: ['lavfi:testsrc2=size=640x360:rate=15', 'lavfi:life=size=640x360:rate=15:mold=10'],
    columns: 2,
    width: 1280,
    staleMs: 5_000,
    host: '127.0.0.1',
    port: 8091,
  },
  ({ sources, columns, width, staleMs, host, port }) => {
    const system = new System('camera-wall');
    const names = sources.map((_, place) => `camera-${place + 1}`);
    const wall = system.node(
      (frames: Observable<Frame>) => frames.pipe(tileFrames({ sources: names, columns, width, staleMs }), encodeJpeg()),
      {
        name: 'wall',
      },
    );
    sources.forEach((source, place) => {
      const name = names[place];
      // Scaled by ffmpeg, so that no more pixels travel than are shown.
      const one = system.node(() => camera({ source, name, width: Math.floor(width / columns / 2) * 2 }), { name });
      // The newest of each camera, whatever the others do: none waits for another.
      system.link(one).to(wall, QoS.REALTIME);
    });
    const screen = system.node((_, { input, show }) => input<Frame>('wall').pipe(serveMjpeg({ host, port, onListening: show })), {
      name: 'screen',
    });
    system.link(wall).to(screen, QoS.REALTIME);
    return system;
  },
);
export default cameraWall;
