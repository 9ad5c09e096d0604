import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeFlowError } from 'edgeflow';
import nodeWebcam from 'node-webcam';
import { jpegSize } from './jpegSize.js';

/** A picture that the webcam took. */
export interface Still {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

/** Checked settings of a webcam: everything that reaches node-webcam's shell command. */
export interface WebcamSettings {
  readonly device: string;
  readonly width: number;
  readonly height: number;
  readonly quality: number;
  readonly timeoutMs: number;
}

/** node-webcam gives no hold on the process that it starts, so coreutils' `timeout` ends one that hangs. */
class BoundedWebcam extends nodeWebcam.FSWebcam {
  readonly #seconds: number;

  constructor({ timeoutMs, ...options }: WebcamSettings) {
    super({ ...options, output: 'jpeg', callbackReturn: 'location', saveShots: false });
    this.#seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  }

  override generateSh(location: string | null): string {
    return `exec timeout -k 2 ${this.#seconds} ${super.generateSh(location)}`;
  }
}

/** Takes pictures into a folder of its own; node-webcam's in-memory mode gives empty buffers. */
export class StillCamera {
  readonly #webcam: BoundedWebcam;
  readonly #settings: WebcamSettings;
  readonly #path: string;

  /** @param folder - private and existing; its path must be free of what a shell reads. */
  constructor(settings: WebcamSettings, folder: string) {
    this.#settings = settings;
    this.#webcam = new BoundedWebcam(settings);
    this.#path = join(folder, 'still.jpg');
  }

  /** @throws EdgeFlowError `WEBCAM_FAILED` */
  async take(): Promise<Still> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#webcam.capture(this.#path, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
      const data = await readFile(this.#path);
      // fswebcam may end well without a picture: an old one must not be taken for it.
      await rm(this.#path);
      const size = jpegSize(data);
      if (!size) throw new Error(`fswebcam wrote ${data.length} bytes that are not a JPEG file`);
      return { data, ...size };
    } catch (error) {
      const { device, width, height } = this.#settings;
      const reason = error instanceof Error ? error.message.trim() : String(error);
      throw new EdgeFlowError(
        'WEBCAM_FAILED',
        `webcam: ${device} gave no picture of ${width}x${height}: ${reason}. Is it there ('ls /dev/video*'), free, and may this user read it (group 'video')?`,
        { cause: error },
      );
    }
  }
}
