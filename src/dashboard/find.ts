import type { Observed, TraceQuery } from './observed.js';
import type { TraceStepView } from './wire.js';

/**
 * Where did it go? Takes a message id, `topic/seq`, or the number of a frame: then of each topic and source that has one.
 *
 * @returns the ways of all that fits, the steps of each in order of time.
 */
export async function find(running: Observed, text: string): Promise<readonly (readonly TraceStepView[])[]> {
  const ways: (readonly TraceStepView[])[] = [];
  for (const query of queriesOf(running, text.trim())) {
    const steps = (await running.trace?.(query)) ?? [];
    const [first] = steps;
    if (first && !ways.some(([known]) => known?.id === first.id && known.node === first.node)) ways.push(steps);
  }
  return ways;
}

function queriesOf(running: Observed, text: string): TraceQuery[] {
  const place = /^([A-Za-z0-9][\w.-]*)[/#: ](\d{1,15})$/.exec(text);
  if (place) {
    const [, topic = '', number] = place;
    return [
      { topic, seq: Number(number) },
      { source: topic, index: Number(number) },
    ];
  }
  if (!/^\d{1,15}$/.test(text)) return [{ id: text }];
  const number = Number(text);
  const sources = running.graph().nodes.filter(({ topic, inputs }) => topic && inputs.length === 0);
  return [{ index: number }, ...sources.map(({ name }) => ({ topic: name, seq: number })), { id: text }];
}
