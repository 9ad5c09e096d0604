import { QoS, System } from 'edgeflow';
import type { Broker, Ledger } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { nodeFile, readLines } from './system.js';
import type { temporaryFolder } from './system.js';

type Folder = ReturnType<typeof temporaryFolder>;

/** What came of a run. */
interface Outcome {
  readonly ledger: Ledger;
  /** Values that reached the sink, in ascending order. */
  readonly sunk: readonly number[];
  readonly restarts: number;
}

/** Runs source → transform → sink, and kills the two replicas of the transform in turn, each when it is at work. */
export async function killTransforms(broker: Broker, kills: number, folder: Folder): Promise<Outcome> {
  const system = new System('once');
  const source = system.node(nodeFile('counter'), { name: 'source', count: 1_000_000, everyMs: 5 });
  const transform = system.node(nodeFile('recorder'), {
    name: 'transform',
    replicas: 2,
    file: folder.path('taken'),
    workMs: 2,
    maxRestarts: kills,
  });
  const sink = system.node(nodeFile('recorder'), { name: 'sink', file: folder.path('sunk') });
  system
    .link(source)
    .to(transform, QoS.DURABLE, { prefetch: 16, retry: { maxDeliveries: 100 } })
    .to(sink, QoS.DURABLE);
  const running = await system.run({ broker, handleSignals: false, drainMs: 60_000, onLog: () => undefined });
  const transforms = () => running.status().filter(({ node }) => node === 'transform');
  try {
    for (let kill = 0; kill < kills; kill++) {
      const victim = (): number | undefined => transforms()[kill % 2]?.pid;
      await until('the victim is at work', () => readLines(folder.path('taken')).filter(({ pid }) => pid === victim()).length > 10, 30_000);
      const pid = victim();
      if (pid === undefined) throw new Error('it ended by itself');
      process.kill(pid, 'SIGKILL');
      await until('it is gone', () => victim() !== pid);
    }
  } finally {
    await running.stop();
  }
  const { ledger } = await running.done;
  const sunk = readLines(folder.path('sunk')).map(({ value }) => value);
  return { ledger, sunk: sunk.sort((a, b) => a - b), restarts: transforms().reduce((sum, { restarts }) => sum + restarts, 0) };
}
