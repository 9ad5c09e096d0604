// The producer process of bench/scale.ts.
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBroker } from 'edgeflow';
import { clockMs } from '../support/clock.js';
import { playRole } from '../support/role.js';
import { usedSince, group, topicNames } from './setup.js';
import type { ScalePhase, ScaleProtocol } from './setup.js';

playRole<ScaleProtocol>(async (setup) => {
  const broker = await connectBroker(setup.broker);
  const topics = topicNames(setup);
  for (const topic of topics) await broker.declare({ topic, groups: [group] });
  const session = randomUUID();
  const payload = randomBytes(setup.payloadBytes);
  const meta = Buffer.from(JSON.stringify({ camera: 'north gate', label: 'person', score: 0.8765, box: [640, 360, 64, 128] }));

  const push = (phase: number, index: number): Promise<unknown> =>
    broker.push(topics[Math.floor(index / setup.batch) % topics.length] ?? '', {
      id: `${session}-${phase}-${index}`,
      time: Date.now(),
      meta,
      payload,
    });

  const paced = async ({ phase, pushed }: ScalePhase, perSecond: number): Promise<void> => {
    const startMs = clockMs();
    const pushes: Promise<unknown>[] = [];
    for (let index = 0; index < pushed; index++) {
      const early = startMs + (index * 1_000) / perSecond - clockMs();
      if (early > 0) await delay(early);
      pushes.push(push(phase, index));
    }
    await Promise.all(pushes);
  };

  const full = async ({ phase, pushed }: ScalePhase): Promise<void> => {
    for (let from = 0; from < pushed; from += setup.batch)
      await Promise.all(Array.from({ length: Math.min(setup.batch, pushed - from) }, (_, i) => push(phase, from + i)));
  };

  return {
    run: async (phase) => {
      const ms = clockMs();
      const cpu = process.cpuUsage();
      await (phase.perSecond === undefined ? full(phase) : paced(phase, phase.perSecond));
      return { ms, ...usedSince(cpu) };
    },
    close: () => broker.close(),
  };
});
