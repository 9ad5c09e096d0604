import { EdgeFlowError, leasingOperator } from 'edgeflow';
import { pipe } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { encodeJpeg } from './encodeJpeg.js';
import type { Frame } from './frame.js';
import { MjpegServer } from './mjpeg/server.js';

/** Options of {@link serveMjpeg}. */
export interface ServeMjpegOptions {
  /** Port to listen on; 0 for any that is free. @defaultValue 8090 */
  readonly port?: number;
  /** Address to listen on. There is no password: beyond this machine, put a proxy with one before it. @defaultValue '127.0.0.1' */
  readonly host?: string;
  /** JPEG quality from 1 to 100, of frames that are not JPEG already. @defaultValue 80 */
  readonly quality?: number;
  /** Most viewers at once; more are turned away (503). @defaultValue 16 */
  readonly maxViewers?: number;
  /** Told where the pictures are, when the server listens: `http://127.0.0.1:8090/video.mjpg`. */
  readonly onListening?: (url: string) => void;
}

/**
 * Serves frames as a network camera does: Motion JPEG over HTTP, for browsers and for {@link camera}.
 *
 * ```
 * in            --a---b---c---d--|
 *               serveMjpeg({ port: 8090 })
 * out           ---A---B---C---D-|
 * a viewer      ---A---B---C---D-|      http://127.0.0.1:8090/video.mjpg
 * a slow one    ---A-------C-----|      the newest when the last is taken
 * ```
 *
 * `/video.mjpg` is the stream (`multipart/x-mixed-replace`), `/picture.jpg` the newest picture, `/` a page with the stream. A
 * viewer begins with the newest picture that there is, and slows down neither the stream nor another viewer.
 *
 * - **Emits** each frame as it was shown, as JPEG.
 * - **Settles** a delivery when the frame has been offered to the viewers and dealt with downstream.
 * - **Fails** the delivery with `FRAME_INVALID`; the stream with `OPTIONS_INVALID` when the address is taken or not this
 *   machine's.
 * - **Completes** with the source; viewers are sent away.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * camera({ source: '/dev/video0' }).pipe(serveMjpeg({ onListening: (url) => console.log(url) })).subscribe();
 * ```
 */
export function serveMjpeg(options: ServeMjpegOptions = {}): OperatorFunction<Frame, Frame> {
  const { port = 8090, host = '127.0.0.1', quality = 80, maxViewers = 16, onListening } = options;
  const check = (name: string, found: unknown, fine: boolean, expected: string): void => {
    if (!fine) throw new EdgeFlowError('OPTIONS_INVALID', `serveMjpeg: ${name} is ${JSON.stringify(found)}; expected ${expected}`);
  };
  check('port', port, Number.isInteger(port) && port >= 0 && port <= 65_535, 'a whole number from 0 to 65535');
  check('host', host, typeof host === 'string' && host !== '', "an address of this machine, such as '127.0.0.1'");
  check('quality', quality, Number.isInteger(quality) && quality >= 1 && quality <= 100, 'a whole number from 1 to 100');
  check('maxViewers', maxViewers, Number.isInteger(maxViewers) && maxViewers >= 1, 'a whole number of at least 1');

  return pipe(
    encodeJpeg({ quality }),
    leasingOperator<Frame, Frame>('serveMjpeg', (output) => {
      const server = new MjpegServer({ port, host, maxViewers });
      server.listening.then(onListening, (error: unknown) => output.error(error));
      return {
        next: (frame, lease) => {
          // Kept beyond the delivery, and it may be the broker's own memory.
          server.show({ ...frame, data: new Uint8Array(frame.data) });
          lease.run(() => {
            output.next(frame);
          });
          lease.release();
        },
        teardown: () => {
          server.close();
        },
      };
    }),
  );
}
