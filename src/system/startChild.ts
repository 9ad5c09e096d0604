import type { BrokerConfig } from '../brokers/broker.js';
import { EdgeFlowError } from '../errors.js';
import type { Child, ChildEvents } from './child.js';
import type { GraphNode } from './graph.js';
import { InlineChild } from './inlineChild.js';
import type { Isolation } from './isolation.js';
import type { NodeClients } from './nodeClients.js';
import { ProcessChild } from './processChild.js';
import type { WorkerPlan } from './protocol.js';
import { ThreadChild } from './threadChild.js';

/** Starts one run of a replica. */
export type StartChild = (node: GraphNode, plan: WorkerPlan, events: ChildEvents) => Child;

/** @param config - of the system's broker; undefined for one that lives in this process only. */
export function childStarter(
  isolation: (node: GraphNode) => Isolation,
  config: BrokerConfig | undefined,
  clients: NodeClients,
): StartChild {
  return (node, plan, events) => {
    const kind = isolation(node);
    if (kind === 'inline') return new InlineChild(plan, node.operator, clients, events);
    if (kind === 'thread') return new ThreadChild(plan, clients, events);
    if (config) return new ProcessChild(plan, config, events);
    throw new EdgeFlowError('BROKER_CONFIG', `node '${node.name}' runs in a process of its own, which cannot reach the broker`);
  };
}
