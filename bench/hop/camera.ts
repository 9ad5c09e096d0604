import { fileURLToPath } from 'node:url';
import { startProcess } from '../support/process.js';
import type { BenchProcess, Program } from '../support/process.js';
import { cpuMs } from '../support/processCpu.js';
import type { Middle, Peer } from './peers.js';
import type { Consumed, FramePhase, FrameSetup, Produced } from './protocol.js';

/** One camera and its consumers, each in a process of its own. */
export interface Camera {
  /** Runs one phase in the camera and in as many consumers as take part. */
  run(phase: Omit<FramePhase, 'phase'>): Promise<Recording>;
}

/** What one phase showed. */
export interface Recording {
  readonly produced: Produced;
  readonly consumed: readonly Consumed[];
  /** CPU time in the phase: of the camera, of its consumers, of the servers between them. */
  readonly cpu: { readonly producerMs: number; readonly consumersMs: number; readonly serversMs: number };
}

/** What to start. */
export interface CameraOptions {
  readonly audiences: readonly number[];
  readonly maxFrameBytes: number;
  /** @defaultValue 'archive' */
  readonly everyTopic?: string;
}

const modules = {
  producer: { script: fileURLToPath(new URL('./producer.js', import.meta.url)) },
  consumer: { script: fileURLToPath(new URL('./consumer.js', import.meta.url)) },
};

/** Starts what stands between the processes; `measure` starts cameras on it, which are stopped with it. */
export async function withCameras<T>(
  peer: Peer,
  measure: (startCamera: (options: CameraOptions) => Promise<Camera>) => Promise<T>,
): Promise<T> {
  const script = peer.script?.();
  const middle = await peer.start();
  const cameras: (Camera & { stop(): Promise<void> })[] = [];
  try {
    const result = await measure(async (options) => {
      const camera = await startCamera(middle, script, options);
      cameras.push(camera);
      return camera;
    });
    await Promise.all(cameras.map((camera) => camera.stop()));
    return result;
  } finally {
    await middle.stop();
  }
}

async function startCamera(
  middle: Middle,
  script: Program | undefined,
  { audiences, maxFrameBytes, everyTopic = 'archive' }: CameraOptions,
): Promise<Camera & { stop(): Promise<void> }> {
  const program = (role: 'producer' | 'consumer'): Program => (script ? { ...script, args: [role] } : modules[role]);
  const producer: BenchProcess<FrameSetup, FramePhase, Produced> = startProcess(program('producer'));
  const consumers = Array.from({ length: Math.max(1, ...audiences) }, (): BenchProcess<FrameSetup, FramePhase, Consumed> =>
    startProcess(program('consumer')),
  );
  const setup: FrameSetup = { ...middle.setup, audiences, maxFrameBytes, everyTopic };
  // The producer first: it declares what the others read.
  await producer.prepare(setup);
  await Promise.all(consumers.map((consumer, index) => consumer.prepare({ ...setup, consumer: index })));

  const cpu = (): Recording['cpu'] => ({
    producerMs: cpuMs([producer.pid]),
    consumersMs: cpuMs(consumers.map(({ pid }) => pid)),
    serversMs: cpuMs(middle.pids),
  });
  let phases = 0;
  return {
    async run(asked) {
      const phase = { ...asked, phase: phases++ };
      const before = cpu();
      const active = consumers.slice(0, phase.audience);
      const [produced, ...consumed] = await Promise.all([producer.run(phase), ...active.map((consumer) => consumer.run(phase))]);
      const after = cpu();
      return {
        produced,
        consumed,
        cpu: {
          producerMs: after.producerMs - before.producerMs,
          consumersMs: after.consumersMs - before.consumersMs,
          serversMs: after.serversMs - before.serversMs,
        },
      };
    },
    async stop() {
      await Promise.all([producer, ...consumers].map((child) => child.stop()));
    },
  };
}
