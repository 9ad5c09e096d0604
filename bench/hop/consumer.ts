// A process that consumes the camera's frames, of bench/hop.ts and others.
import { clockMs } from '../support/clock.js';
import { playRole } from '../support/role.js';
import { loadDriver } from './driver.js';
import { windowOf } from './protocol.js';
import type { Consumed, Consuming, FramePhase } from './protocol.js';
import { checkFrame, readStamp } from './stamp.js';

playRole<Consuming>(async (setup) => {
  const receiver = await (await loadDriver(setup.driver)).consumer(setup);

  /** The newest frame, again and again, until the last one: that is never skipped. */
  const newest = async ({ phase, frameBytes, audience, workMs = 0 }: FramePhase): Promise<Consumed> => {
    const latencies: number[] = [];
    for (;;) {
      const frame = await receiver.latest(audience);
      const nowMs = clockMs();
      if (!frame) continue;
      const stamp = readStamp(frame.meta);
      if (stamp.phase !== phase) continue;
      checkFrame(frame.picture, frameBytes, stamp.index);
      latencies.push(nowMs - stamp.pushedMs);
      if (stamp.last) return { latencies, endMs: nowMs };
      work(workMs);
    }
  };

  /** Every frame, in order. */
  const every = async ({ phase, frameBytes }: FramePhase): Promise<Consumed> => {
    const latencies: number[] = [];
    for (let last = false; !last;) {
      const frames = await receiver.next(windowOf(frameBytes));
      const nowMs = clockMs();
      for (const { meta, picture } of frames) {
        const stamp = readStamp(meta);
        if (stamp.phase !== phase || stamp.index !== latencies.length)
          throw new Error(`got frame ${stamp.phase}-${stamp.index} in place of ${phase}-${latencies.length}`);
        checkFrame(picture, frameBytes, stamp.index);
        latencies.push(nowMs - stamp.pushedMs);
        last = stamp.last;
      }
    }
    await receiver.settle();
    return { latencies, endMs: clockMs() };
  };

  return { run: (phase) => (phase.read === 'newest' ? newest(phase) : every(phase)), close: () => receiver.close() };
});

const never = new Int32Array(new SharedArrayBuffer(4));

/** Holds this thread, as a model does that runs on it, without taking processor time from the other processes. */
function work(ms: number): void {
  if (ms > 0) Atomics.wait(never, 0, 0, ms);
}
