import type { NodeState, ObservedSystem } from './observed.js';

/** How a running system does. Shadow nodes only look on: they are told of, and decide nothing. */
export interface Health {
  /** No node has given up: whoever watches need not start the system anew. */
  readonly alive: boolean;
  /** Every node runs, has ended well, or is paused on purpose. */
  readonly ready: boolean;
  readonly nodes: readonly { readonly node: string; readonly replica: number; readonly state: NodeState; readonly restarts: number }[];
}

const readyStates: ReadonlySet<NodeState> = new Set<NodeState>(['running', 'draining', 'paused', 'done']);

/**
 * What `/healthz` (`alive`) and `/readyz` (`ready`) tell.
 *
 * @example
 * ```ts
 * const running = await system.run();
 * const { alive, ready } = health(running);
 * console.log(alive, ready);
 * ```
 */
export function health(running: Pick<ObservedSystem, 'status'>): Health {
  const status = running.status();
  const live = status.filter(({ shadow }) => !shadow);
  return {
    alive: live.every(({ state }) => state !== 'failed'),
    ready: live.every(({ state }) => readyStates.has(state)),
    nodes: status.map(({ node, replica, state, restarts }) => ({ node, replica, state, restarts })),
  };
}
