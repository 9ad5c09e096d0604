import { createHash } from 'node:crypto';
import type { OnFull, Retention } from '../brokers/broker.js';
import { EdgeFlowError } from '../errors.js';
import type { PayloadMode } from '../flow/fromBroker.js';
import type { RetryOptions } from '../flow/retry.js';
import { QoS } from '../qos.js';
import type { NodeExpectations } from './expects.js';
import type { Isolation } from './isolation.js';
import type { NodeOperator } from './node.js';

/** Settings of one link. */
export interface LinkOptions {
  /** DURABLE: most messages that one replica may have open; 1 gives strict order. @defaultValue 64 */
  readonly prefetch?: number;
  /** REALTIME: most messages that one replica may have open. @defaultValue 1 */
  readonly concurrency?: number;
  /** DURABLE: what happens to messages that fail. */
  readonly retry?: RetryOptions;
  /** How the large bytes of a value come: see {@link PayloadMode}. @defaultValue 'copy' */
  readonly payload?: PayloadMode;
  /** Name of the input inside the target, for `input(…)`. @defaultValue the source's name */
  readonly as?: string;
}

/** Settings of a shadow link: those of {@link LinkOptions} that hold nothing of the topic. */
export type ShadowOptions = Pick<LinkOptions, 'concurrency' | 'as'>;

/** One node of the graph: plain data, but for an inline operator. */
export interface GraphNode {
  readonly name: string;
  /** URL of the node's module; undefined for an inline operator. */
  readonly module: string | undefined;
  readonly operator: NodeOperator | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  readonly replicas: number;
  readonly maxRestarts: number;
  /** Name of the type of its output, checked against `accepts`. */
  readonly emits: string | undefined;
  readonly accepts: string | undefined;
  readonly maxBytes: number | undefined;
  readonly onFull: OnFull | undefined;
  readonly retain: Retention | undefined;
  /** Undefined: as the rest of the system. */
  readonly isolation: Isolation | undefined;
  /** For `edgeflow plan` alone. */
  readonly expects: NodeExpectations | undefined;
}

/** One link: the target reads the source's topic. */
export interface GraphLink {
  readonly source: string;
  readonly target: string;
  readonly qos: QoS;
  readonly options: LinkOptions;
  /** Set by `shadow`: the target only looks on. */
  readonly shadow?: true;
}

/** Nodes by name, in the order of their definition, and links. */
export interface Graph {
  readonly name: string;
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly links: readonly GraphLink[];
}

export function inputsOf(graph: Graph, node: string): GraphLink[] {
  return graph.links.filter(({ target }) => target === node);
}

/** What a link is called inside its target. */
function inputName({ source, options }: Pick<GraphLink, 'source' | 'options'>): string {
  return options.as ?? source;
}

export function outputsOf(graph: Graph, node: string): GraphLink[] {
  return graph.links.filter(({ source }) => source === node);
}

/** The nodes that only look on: those that a shadow link leads to, and all that is fed by them. */
export function shadowsOf(graph: Graph): ReadonlySet<string> {
  const shadows = new Set<string>();
  const visit = (name: string): void => {
    if (shadows.has(name)) return;
    shadows.add(name);
    for (const { target } of outputsOf(graph, name)) visit(target);
  };
  for (const { target, shadow } of graph.links) if (shadow) visit(target);
  return shadows;
}

function invalid(graph: Graph, message: string): EdgeFlowError {
  return new EdgeFlowError('GRAPH_INVALID', `system '${graph.name}': ${message}`);
}

/**
 * Checks what can be checked before anything starts.
 *
 * @returns the names of the nodes, each after all that it reads from.
 * @throws EdgeFlowError `GRAPH_INVALID`
 */
export function checkGraph(graph: Graph): string[] {
  if (graph.nodes.size === 0) throw invalid(graph, 'it has no nodes; add one with system.node(…)');
  const seen = new Set<string>();
  for (const { source, target, qos } of graph.links) {
    for (const name of [source, target]) {
      if (!graph.nodes.has(name))
        throw invalid(graph, `a link names '${name}', which is not one of its nodes (${[...graph.nodes.keys()].join(', ')})`);
    }
    if (seen.has(`${source} ${target}`)) throw invalid(graph, `two links from '${source}' to '${target}'; expected at most one`);
    seen.add(`${source} ${target}`);
    const { emits, onFull } = graph.nodes.get(source) ?? {};
    const { accepts } = graph.nodes.get(target) ?? {};
    if (emits !== undefined && accepts !== undefined && emits !== accepts)
      throw invalid(graph, `'${source}' emits ${emits}, but '${target}' accepts ${accepts}`);
    if (onFull === 'replace' && qos === QoS.DURABLE)
      throw invalid(
        graph,
        `'${source}' has onFull: 'replace', and '${target}' must lose nothing of it; use 'wait' or 'reject', or link it as REALTIME`,
      );
  }
  for (const { name, accepts } of graph.nodes.values()) {
    const inputs = inputsOf(graph, name).map(inputName);
    const twice = inputs.find((input, index) => inputs.indexOf(input) !== index);
    if (twice !== undefined) throw invalid(graph, `two inputs of '${name}' are called '${twice}'; give one of the links another \`as\``);
    if (accepts !== undefined && inputsOf(graph, name).length === 0)
      throw invalid(graph, `'${name}' accepts ${accepts}, but no link leads to it; add system.link(…).to(${name}, …)`);
  }
  checkShadows(graph);
  return sorted(graph);
}

/** A live node that waits for a shadow, or is fed by one, would not be safe from it. */
function checkShadows(graph: Graph): void {
  const shadows = shadowsOf(graph);
  for (const { source, target, shadow } of graph.links) {
    if (!shadows.has(target) || shadow || shadows.has(source)) continue;
    const from = inputsOf(graph, target).find((link) => link.shadow ?? shadows.has(link.source));
    throw invalid(
      graph,
      `'${target}' is a shadow, for it reads '${from?.source ?? ''}', and a live node, for '${source}' is linked to it with to(…); ` +
        `use system.link(${source}).shadow(${target}), so that nothing live depends on a shadow`,
    );
  }
}

/** Topological order; names a cycle where there is one. */
function sorted(graph: Graph): string[] {
  const order: string[] = [];
  const path: string[] = [];
  const visit = (name: string): void => {
    if (order.includes(name)) return;
    if (path.includes(name)) throw invalid(graph, `the links go in a circle: ${[...path.slice(path.indexOf(name)), name].join(' → ')}`);
    path.push(name);
    for (const { source } of inputsOf(graph, name)) visit(source);
    path.pop();
    order.push(name);
  };
  for (const name of graph.nodes.keys()) visit(name);
  return order;
}

/**
 * A short hash of all that a worker must agree on with its supervisor. The text of inline operators is left out: loaders
 * may compile it differently in the two.
 */
export function fingerprint(graph: Graph): string {
  const nodes = [...graph.nodes.values()].map(({ operator, ...node }) => ({ ...node, inline: operator !== undefined }));
  return createHash('sha256')
    .update(JSON.stringify({ name: graph.name, nodes, links: graph.links }))
    .digest('hex')
    .slice(0, 16);
}
