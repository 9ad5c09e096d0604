// The consumer process of bench/hop.ts.
import { connectBroker } from 'edgeflow';
import type { AckResult } from 'edgeflow';
import { clockMs } from '../support/clock.js';
import { playRole } from '../support/role.js';
import { archiveTopic, liveTopic, windowOf } from './setup.js';
import type { HopConsuming, HopPhase, HopResult } from './setup.js';
import { checkFrame, readStamp } from './stamp.js';

playRole<HopConsuming>(async ({ broker: config, frameBytes }) => {
  const broker = await connectBroker(config);
  const consumer = { group: 'consumer', consumer: 'only' };

  /** The latest frame, again and again, until the last one: that is never skipped. */
  const paced = async ({ phase, frames }: HopPhase): Promise<HopResult> => {
    const latencies: number[] = [];
    for (;;) {
      const message = await broker.popLatest(liveTopic, { reader: 'consumer', consumer: 'only', waitMs: 1_000 });
      const nowMs = clockMs();
      if (!message) continue;
      const stamp = readStamp(message.meta);
      if (stamp.phase !== phase) continue;
      checkFrame(message.payload, frameBytes, stamp.index);
      latencies.push(nowMs - stamp.pushedMs);
      if (stamp.index === frames - 1) return { latencies, endMs: nowMs };
    }
  };

  /** Every frame, in order; one batch is acked while the next is being fetched. */
  const full = async ({ phase, frames }: HopPhase): Promise<HopResult> => {
    const latencies: number[] = [];
    let acked: Promise<AckResult> | undefined;
    while (latencies.length < frames) {
      const messages = await broker.pop(archiveTopic, { ...consumer, count: windowOf(frameBytes), waitMs: 1_000 });
      const nowMs = clockMs();
      for (const { meta, payload } of messages) {
        const stamp = readStamp(meta);
        if (stamp.phase !== phase || stamp.index !== latencies.length)
          throw new Error(`got frame ${stamp.phase}-${stamp.index} in place of ${phase}-${latencies.length}`);
        checkFrame(payload, frameBytes, stamp.index);
        latencies.push(nowMs - stamp.pushedMs);
      }
      await acked;
      acked = broker.ack(archiveTopic, consumer, messages);
    }
    await acked;
    return { latencies, endMs: clockMs() };
  };

  return { run: (phase) => (phase.mode === 'paced' ? paced(phase) : full(phase)), close: () => broker.close() };
});
