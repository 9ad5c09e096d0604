import type { TraceStep } from '../observe/trace.js';
import type { TraceQuery } from '../observe/traceStore.js';
import { runsHere } from './shown.js';
import type { Shown } from './shown.js';

/**
 * Where did it go? Takes a message id, `topic/seq`, or the number of a frame: then of each source that has one.
 *
 * @returns the ways of all that fits, the steps of each in order of time.
 */
export async function find(running: Shown, text: string): Promise<readonly (readonly TraceStep[])[]> {
  if (!runsHere(running)) return [];
  const ways: (readonly TraceStep[])[] = [];
  for (const query of queriesOf(running, text.trim())) {
    const steps = await running.trace(query);
    const [first] = steps;
    if (first && !ways.some(([known]) => known?.id === first.id && known.node === first.node)) ways.push(steps);
  }
  return ways;
}

function queriesOf(running: Shown, text: string): TraceQuery[] {
  const place = /^([A-Za-z0-9][\w.-]*)[/#: ](\d{1,15})$/.exec(text);
  if (place) {
    const [, topic = '', number] = place;
    return [{ topic, seq: Number(number) }, { id: text }];
  }
  if (!/^\d{1,15}$/.test(text)) return [{ id: text }];
  const number = Number(text);
  const sources = running.graph().nodes.filter(({ topic, inputs }) => topic && inputs.length === 0);
  return [...sources.map(({ name }) => ({ source: name, index: number })), { id: text }];
}
