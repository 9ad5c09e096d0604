// The producer process of bench/hop.ts.
import { randomFillSync, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBroker } from 'edgeflow';
import { clockMs } from '../support/clock.js';
import { playRole } from '../support/role.js';
import { archiveTopic, liveTopic, windowOf } from './setup.js';
import type { HopPhase, HopProducing } from './setup.js';
import { markFrame, writeStamp } from './stamp.js';

playRole<HopProducing>(async ({ broker: config, frameBytes }) => {
  const broker = await connectBroker(config);
  await broker.declare({ topic: liveTopic, readers: ['consumer'] });
  await broker.declare({ topic: archiveTopic, groups: ['consumer'] });
  const session = randomUUID();
  const window = windowOf(frameBytes);
  // A frame's bytes are written again only after its push has resolved.
  const pictures = Array.from({ length: window + 1 }, () => randomFillSync(Buffer.allocUnsafeSlow(frameBytes)));

  const push = async (topic: string, phase: number, index: number): Promise<void> => {
    const payload = pictures[index % pictures.length] ?? Buffer.alloc(0);
    markFrame(payload, index);
    const meta = writeStamp({ phase, index, pushedMs: clockMs() });
    await broker.push(topic, { id: `${session}-${phase}-${index}`, time: Date.now(), meta, payload });
  };

  const paced = async ({ phase, frames, fps }: HopPhase, startMs: number): Promise<void> => {
    for (let index = 0; index < frames; index++) {
      const early = startMs + (index * 1_000) / fps - clockMs();
      if (early > 0) await delay(early);
      await push(liveTopic, phase, index);
    }
  };

  const full = async ({ phase, frames }: HopPhase): Promise<void> => {
    const pushes: Promise<void>[] = [];
    for (let index = 0; index < frames; index++) {
      if (index >= window) await pushes[index - window];
      pushes.push(push(archiveTopic, phase, index));
    }
    await Promise.all(pushes);
  };

  return {
    run: async (phase) => {
      const startMs = clockMs();
      await (phase.mode === 'paced' ? paced(phase, startMs) : full(phase));
      return { startMs };
    },
    close: () => broker.close(),
  };
});
