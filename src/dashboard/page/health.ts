import type { LinkHealth, NodeView } from '../wire.js';

/** A sign and a word beside each colour: nobody has to tell colours apart. */
const healths: Readonly<Record<LinkHealth, { readonly sign: string; readonly word: string }>> = {
  ok: { sign: '●', word: 'flows' },
  idle: { sign: '○', word: 'idle' },
  behind: { sign: '▲', word: 'falls behind' },
  stalled: { sign: '■', word: 'stands still' },
  down: { sign: '✖', word: 'its node is down' },
};

export function healthOf(health: LinkHealth): { readonly sign: string; readonly word: string } {
  return healths[health];
}

/** The worst of a node's replicas. */
export function stateOf({ replicas }: NodeView): { readonly sign: string; readonly word: string; readonly tone: LinkHealth } {
  // Of a node that is looked at from outside nothing else is known.
  if (replicas.length === 0) return { sign: '○', word: 'no process here', tone: 'idle' };
  const states = new Set(replicas.map(({ state }) => state));
  if (states.has('failed')) return { sign: '✖', word: 'failed', tone: 'down' };
  for (const state of ['restarting', 'starting']) if (states.has(state)) return { sign: '↻', word: state, tone: 'stalled' };
  for (const state of ['paused', 'draining', 'drained']) if (states.has(state)) return { sign: '❚❚', word: state, tone: 'behind' };
  if ([...states].every((state) => state === 'done')) return { sign: '○', word: 'done', tone: 'idle' };
  return { sign: '●', word: 'running', tone: 'ok' };
}
