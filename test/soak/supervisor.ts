// The process that runs the system of a soak; forked by `supervised.ts`, and killed by it if that is asked for.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { QoS, System } from 'edgeflow';
import type { RunningSystem } from 'edgeflow';
import type { BrokerConfig } from '#src/brokers/broker.js';
import { connectBroker } from '#src/brokers/connect.js';
import { errorMessage, hasCode } from '#src/errors.js';

/** What the supervisor is told when it starts. */
export interface SoakPlan {
  readonly broker: BrokerConfig;
  readonly folder: string;
  readonly messages: number;
  readonly perSecond: number;
  /** Bound of the stored bytes of each topic: a node that is down makes the ones before it wait. */
  readonly maxBytes: number;
  /** Whether an earlier supervisor of this run was killed. */
  readonly resume: boolean;
}

/** What it tells. `handles` are the timers and other resources that keep its event loop busy. */
export type FromSupervisor =
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'handles'; readonly handles: number }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly message: string };

const startMs = 30_000;
const handlesEveryMs = 1_000;

function makeSystem({ folder, messages, perSecond, maxBytes }: SoakPlan): System {
  const system = new System('soak');
  // They are killed far more often than any node that is in order dies.
  const common = { maxRestarts: 1_000_000, maxBytes };
  const node = (name: string, options: Record<string, unknown> = {}) =>
    system.node(new URL(`./nodes/${name}.ts`, import.meta.url), { ...common, ...options });
  const producer = node('producer', { count: messages, perSecond, file: join(folder, 'progress') });
  const transform = node('transform', { replicas: 2 });
  const sink = node('sink', { file: join(folder, 'sink') });
  const reader = node('reader', { file: join(folder, 'reader') });
  system.link(producer).to(transform, QoS.DURABLE).to(sink, QoS.DURABLE);
  system.link(producer).to(reader, QoS.REALTIME);
  return system;
}

function tell(message: FromSupervisor): void {
  process.send?.(message);
}

/** Starts the system; tries again while a server that was killed is not back. */
async function start(plan: SoakPlan): Promise<RunningSystem> {
  const end = performance.now() + startMs;
  for (;;) {
    try {
      return await makeSystem(plan).run({
        broker: await connectBroker(plan.broker),
        resume: plan.resume,
        handleSignals: false,
        onLog: (node, line) => {
          tell({ type: 'log', line: `${node} | ${line}` });
        },
      });
    } catch (error) {
      if (!hasCode(error, 'BROKER_UNREACHABLE') || performance.now() > end) throw error;
      await sleep(200);
    }
  }
}

// Workers find their own way to TypeScript, as those of a user do.
process.execArgv = [];
process.on('disconnect', () => process.exit(1));
process.once('message', (plan: SoakPlan) => {
  const run = async (): Promise<FromSupervisor> => {
    const system = await start(plan);
    setInterval(() => tell({ type: 'handles', handles: process.getActiveResourcesInfo().length }), handlesEveryMs).unref();
    await system.done;
    return { type: 'done' };
  };
  void run()
    .catch((error: unknown): FromSupervisor => ({ type: 'failed', message: errorMessage(error) }))
    .then((outcome) => process.send?.(outcome, () => process.exit(0)));
});
