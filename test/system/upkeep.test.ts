import { EdgeFlowError, MemoryBroker, QoS, System } from 'edgeflow';
import type { Broker, RunningSystem, SweepResult } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startSweeping } from '#src/system/sweeping.js';
import { freshEmbedded, linkOf, nodeFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const logs: string[] = [];
let running: RunningSystem | undefined;

afterEach(async () => {
  vi.useRealTimers();
  await running?.stop();
  running = undefined;
  logs.length = 0;
});

/** The same broker, which a system does not close; its sweeps are counted. */
class Held {
  readonly broker: Broker;
  sweeps = 0;

  constructor(inner: Broker) {
    this.broker = new Proxy(inner, {
      get: (target, key) => {
        if (key === 'close') return () => Promise.resolve();
        if (key === 'sweep') this.sweeps++;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}

describe('a resumed run', () => {
  test('sweeps, and names the groups that its graph does not read', async () => {
    const inner = freshEmbedded();
    const held = new Held(inner);
    const start = async (target: string, count: number, resume: boolean): Promise<RunningSystem> => {
      const system = new System('changed');
      const source = system.node(nodeFile('counter'), { name: 'source', count });
      const sink = system.node(nodeFile('recorder'), { name: target, file: folder.path(target), workMs: resume ? 0 : 20 });
      system.link(source).to(sink, QoS.DURABLE, { prefetch: 1 });
      const options = { broker: held.broker, resume, handleSignals: false, drainMs: 50 };
      return (running = await system.run({ ...options, onLog: (name, line) => logs.push(`${name} | ${line}`) }));
    };
    const first = await start('old', 30, false);
    await until('all is published', async () => linkOf(await first.ledger(), 'source', 'old').published === 30);
    await first.stop();
    const { pending } = linkOf(await first.ledger(), 'source', 'old');
    expect(pending).toBeGreaterThan(0);
    expect(held.sweeps).toBe(0);

    await (
      await start('new', 0, true)
    ).done;
    expect(held.sweeps).toBe(1);
    const line = `group 'old' of topic 'source' holds ${pending} messages that nobody reads: \`edgeflow groups drop source old\``;
    expect(logs).toContain(`changed | ${line}`);
    await inner.close();
  });
});

describe('a broker is swept', () => {
  class Sweeping extends MemoryBroker {
    sweeps = 0;
    result: () => Promise<SweepResult> = () => Promise.resolve({ orphans: 0 });

    override sweep(): Promise<SweepResult> {
      this.sweeps++;
      return this.result();
    }
  }

  test('every few minutes, also after a sweep that failed; errors and finds are logged', async () => {
    vi.useFakeTimers();
    const broker = new Sweeping();
    const end = startSweeping(broker, { atOnce: false }, (line) => logs.push(line));
    expect(broker.sweeps).toBe(0);
    broker.result = () => Promise.reject(new EdgeFlowError('BROKER_UNREACHABLE', 'injected'));
    await vi.advanceTimersByTimeAsync(5 * 60_000);
    broker.result = () => Promise.resolve({ orphans: 3 });
    await vi.advanceTimersByTimeAsync(5 * 60_000);
    end();
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(broker.sweeps).toBe(2);
    expect(logs).toEqual(['a sweep failed: BROKER_UNREACHABLE: injected', 'swept 3 payloads that no message refers to']);
  });

  test('at once where an earlier run may have left something; a broker that was closed meanwhile is no error', async () => {
    const broker = new Sweeping();
    broker.result = () => Promise.reject(new EdgeFlowError('BROKER_CLOSED', 'injected'));
    startSweeping(broker, { atOnce: true }, (line) => logs.push(line))();
    await new Promise((resolve) => setImmediate(resolve));
    expect([broker.sweeps, logs]).toEqual([1, []]);
  });
});
