import { MemoryBroker, QoS, System } from 'edgeflow';
import { until } from 'edgeflow/testing';
import { interval, take } from 'rxjs';
import { expect, test } from 'vitest';
import { runsOfFile } from '../support/system.js';

const run = runsOfFile();

/** A source of 3 values, or of any number, and a node that takes some of them. */
async function taking(qos: QoS, taken: number, emitted = 3): Promise<{ readonly lines: string[]; readonly done: Promise<unknown> }> {
  const system = new System('completed');
  const source = system.node(() => interval(1).pipe(take(emitted)), { name: 'source' });
  system.link(source).to(
    system.node((values) => values.pipe(take(taken)), { name: 'some' }),
    qos,
    { prefetch: 1 },
  );
  const lines: string[] = [];
  const options = { isolation: 'inline', onLog: (node: string, line: string) => lines.push(`${node}: ${line}`) } as const;
  const { done } = await run(system, new MemoryBroker(), options);
  return { lines, done };
}

const told = "some: its stream has completed, and it takes nothing more: what 'source' publishes for it stays pending";

test('a node that has completed while its source goes on is told', async () => {
  const { lines } = await taking(QoS.DURABLE, 1, Infinity);
  await until('it is told', () => lines.length > 0);
  expect(lines).toEqual([told]);
});

test('one that left messages is told once its source has ended, too', async () => {
  const { lines, done } = await taking(QoS.DURABLE, 1);
  await done;
  expect(lines).toEqual([told]);
});

test('one that took all that there was, and one that may skip, are not', async () => {
  const { lines, done } = await taking(QoS.DURABLE, 3);
  await done;
  const latest = await taking(QoS.REALTIME, 1);
  await latest.done;
  expect([...lines, ...latest.lines]).toEqual([]);
});
