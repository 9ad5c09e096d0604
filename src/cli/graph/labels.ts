import type { QoS } from '../../qos.js';
import type { GraphNode } from '../../system/graph.js';

/** A node with the number of its replicas. */
export const nodeLabel = ({ name, replicas }: Pick<GraphNode, 'name' | 'replicas'>): string =>
  replicas > 1 ? `${name} ×${replicas}` : name;

/** What a link promises, and whether its target only looks on. */
export const linkLabel = (qos: QoS, shadow: boolean): string => (shadow ? `${qos} shadow` : qos);
