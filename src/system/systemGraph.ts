import type { QoS } from '../qos.js';
import { inputsOf, outputsOf, shadowsOf } from './graph.js';
import type { Graph, GraphNode } from './graph.js';
import type { Isolation } from './isolation.js';

/** The graph of a running system as plain data; without the options of its nodes, which may hold secrets. */
export interface SystemGraph {
  readonly name: string;
  readonly nodes: readonly SystemNode[];
  readonly links: readonly { readonly source: string; readonly target: string; readonly qos: QoS; readonly shadow?: true }[];
}

/** One node of a {@link SystemGraph}. */
export interface SystemNode {
  readonly name: string;
  readonly replicas: number;
  readonly isolation: Isolation;
  /** Names of the nodes that it reads from. */
  readonly inputs: readonly string[];
  /** Whether it publishes, to the topic of its name. */
  readonly topic: boolean;
}

/** Whether a node publishes: where somebody reads it, or nothing leads to it. */
export function publishes(graph: Graph, node: string): boolean {
  return outputsOf(graph, node).length > 0 || inputsOf(graph, node).length === 0;
}

export function systemGraph(graph: Graph, isolation: (node: GraphNode) => Isolation): SystemGraph {
  const shadows = shadowsOf(graph);
  return {
    name: graph.name,
    nodes: [...graph.nodes.values()].map((node) => ({
      name: node.name,
      replicas: node.replicas,
      isolation: isolation(node),
      inputs: inputsOf(graph, node.name).map(({ source }) => source),
      topic: publishes(graph, node.name),
    })),
    links: graph.links.map(({ source, target, qos }) => ({ source, target, qos, ...(shadows.has(target) && { shadow: true as const }) })),
  };
}
