import { readFileSync } from 'node:fs';
import { QoS, System } from 'edgeflow';
import { afterEach, expect, test } from 'vitest';
import type { WrittenSpan } from '../fixtures/apps/tracing/spans.js';
import { fixture, freshEmbedded, linkOf, runsOfFile, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();
const run = runsOfFile();

afterEach(() => {
  delete process.env.SPANS_FILE;
});

test('one span a delivery, each under that of the node before, through three processes', async () => {
  const file = folder.path('spans');
  process.env.SPANS_FILE = file;
  const system = new System('spans');
  const source = system.node(fixture('tracing/source.ts'), { name: 'source' });
  const middle = system.node(fixture('tracing/work.ts'), { name: 'middle', failing: true });
  const last = system.node(fixture('tracing/work.ts'), { name: 'last' });
  system.link(source).to(middle, QoS.DURABLE).to(last, QoS.DURABLE);
  const { ledger } = await (await run(system, freshEmbedded())).done;
  expect(linkOf(ledger, 'middle', 'last')).toMatchObject({ published: 3, acked: 3 });

  const spans = readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as WrittenSpan);
  const named = (name: string): WrittenSpan[] => spans.filter((span) => span.name === name);
  const parent = ({ parentSpanId }: WrittenSpan): WrittenSpan | undefined => spans.find(({ spanId }) => spanId === parentSpanId);
  expect(named('process middle')).toHaveLength(3);
  for (const span of named('process middle')) {
    const before = parent(span);
    const first = before && parent(before);
    expect([before?.name, first?.name]).toEqual(['process source', 'send source']);
    expect(first?.parentSpanId).toBeUndefined();
    expect(new Set([span, before, first].map((each) => each?.traceId)).size).toBe(1);
    expect(new Set([span, before, first].map((each) => each?.pid)).size).toBe(3);
    expect(before?.attributes).toMatchObject({
      'messaging.destination.name': 'source',
      'edgeflow.node': 'middle',
      'edgeflow.qos': 'durable',
    });
  }
  // The failed delivery has a span of its own beside that of the next attempt.
  expect(named('process source')).toHaveLength(4);
  expect(named('process source').filter(({ failed }) => failed)).toMatchObject([{ attributes: { 'edgeflow.message.attempt': 1 } }]);
  for (const span of named('work last')) expect(parent(span)?.name).toBe('process middle');
});
