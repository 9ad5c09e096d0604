// The camera's process, of bench/hop.ts and others.
import { randomFillSync } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { clockMs } from '../support/clock.js';
import { playRole } from '../support/role.js';
import { loadDriver } from './driver.js';
import { windowOf } from './protocol.js';
import type { FramePhase, Produced, Producing } from './protocol.js';
import { markFrame, writeStamp } from './stamp.js';

/** ZeroMQ sends what is in a picture some pictures later. */
const sparePictures = 8;

playRole<Producing>(async (setup) => {
  const sender = await (await loadDriver(setup.driver)).producer(setup);
  const reached = new Set<number>();
  const bytes = randomFillSync(Buffer.allocUnsafeSlow(setup.maxFrameBytes));
  const pictures = new Map<number, Buffer[]>();
  /** A frame's bytes are written again only after its push has resolved. */
  const picturesOf = (frameBytes: number): Buffer[] => {
    const known = pictures.get(frameBytes);
    if (known) return known;
    const made = Array.from({ length: windowOf(frameBytes) + sparePictures }, () => Buffer.from(bytes.subarray(0, frameBytes)));
    pictures.set(frameBytes, made);
    return made;
  };

  const run = async (phase: FramePhase): Promise<Produced> => {
    const ring = picturesOf(phase.frameBytes);
    const pushMs: number[] = [];
    const push = async (index: number, last: boolean): Promise<void> => {
      const picture = ring[index % ring.length] ?? Buffer.alloc(0);
      markFrame(picture, index);
      const pushedMs = clockMs();
      const frame = { meta: writeStamp({ phase: phase.phase, index, last, pushedMs }), picture };
      await (phase.read === 'newest' ? sender.sendNewest(phase.audience, frame) : sender.sendEvery(frame));
      pushMs.push(clockMs() - pushedMs);
    };

    // Frames that are read one by one are sent on time, whatever becomes of those just before: what a slow one holds up shows.
    const window = phase.read === 'newest' ? 1 : windowOf(phase.frameBytes);
    const sendAll = async (): Promise<void> => {
      const pushes: Promise<void>[] = [];
      for (let last = false; !last;) {
        const index = pushes.length;
        if (index >= window) await pushes[index - window];
        if (phase.fps === undefined) last = clockMs() - startMs >= phase.ms;
        else {
          const early = startMs + (index * 1_000) / phase.fps - clockMs();
          if (early > 0) await delay(early);
          last = index + 1 >= (phase.fps * phase.ms) / 1_000;
        }
        pushes.push(push(index, last));
      }
      await Promise.all(pushes);
    };

    if (phase.read === 'newest' && !reached.has(phase.audience)) await sender.ready(phase.audience);
    reached.add(phase.audience);
    const startMs = clockMs();
    await sendAll();
    const storedBytes = phase.read === 'newest' ? await sender.storedBytes?.(phase.audience) : undefined;
    return { frames: pushMs.length, startMs, pushMs, ...(storedBytes !== undefined && { storedBytes }) };
  };

  return { run, close: () => sender.close() };
});
