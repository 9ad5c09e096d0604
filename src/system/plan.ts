import type { Retention } from '../brokers/broker.js';
import { defaultMaxBytes } from '../brokers/options.js';
import { QoS } from '../qos.js';
import { checkGraph, inputsOf, outputsOf } from './graph.js';
import type { Graph, GraphLink, GraphNode } from './graph.js';
import { perSecond, size } from './quantities.js';

const defaultBytes = 1024;
/** A consumer that is busier than this has no time to catch up after a stop. */
const busyShare = 0.8;

/** What is to be expected of one link. */
export interface LinkPlan {
  readonly source: string;
  readonly target: string;
  readonly qos: QoS;
  /** Messages published a second. */
  readonly rate: number;
  /** Messages a second that the target can take; Infinity where its work is not declared. */
  readonly capacity: number;
  /** Share of the target's time that is taken, from 0; over 1 it cannot keep up. */
  readonly load: number;
  /** REALTIME: share of the messages that is passed over, from 0 to 1. */
  readonly skippedShare: number;
  /** Bytes that the source's topic holds for this link while the target keeps up. */
  readonly heldBytes: number;
  /** Most bytes that it ever holds for this link, when the target stands still. */
  readonly worstBytes: number;
  /** Milliseconds from publication to the start of work, the wait for a busy target alone: at most (REALTIME), on average (DURABLE). */
  readonly waitMs: number;
  readonly warnings: readonly string[];
}

/** What is to be expected of a System before it runs. */
export interface SystemPlan {
  readonly links: readonly LinkPlan[];
  /** Bytes that all topics hold together while every target keeps up. */
  readonly heldBytes: number;
  /** Most bytes that they ever hold. */
  readonly worstBytes: number;
  /** Nodes whose figures were not declared, and are guessed. */
  readonly undeclared: readonly string[];
}

/**
 * Computes, link by link, what is held, how long messages wait, and what is passed over, from what nodes declare by `expects`.
 *
 * A DURABLE target is taken as a queue with even work and random arrivals (M/D/c, by the Allen-Cunneen approximation: Allen,
 * "Probability, Statistics and Queueing Theory", 1990): an evenly paced source waits for less.
 *
 * @throws EdgeFlowError `GRAPH_INVALID`
 */
export function planSystem(graph: Graph): SystemPlan {
  const rates = new Map<string, number>();
  const links: LinkPlan[] = [];
  for (const name of checkGraph(graph)) {
    const node = graph.nodes.get(name);
    if (!node) continue;
    const inputs = inputsOf(graph, name).map((link) => ({ link, rate: rates.get(link.source) ?? 0 }));
    const arriving = inputs.reduce((sum, { rate }) => sum + rate, 0);
    const plans = inputs.map(({ link, rate }) => planLink(graph, node, link, rate, arriving));
    links.push(...plans);
    const taken = plans.reduce(
      (sum, plan) => sum + Math.min(plan.rate * (1 - plan.skippedShare), plan.qos === QoS.DURABLE ? plan.capacity : Infinity),
      0,
    );
    rates.set(name, node.expects?.messagesPerSecond ?? taken);
  }
  /** A topic stores each message once, however many read it. */
  const ofTopics = (of: (link: LinkPlan) => number): number =>
    [...graph.nodes.keys()].reduce((sum, name) => sum + Math.max(0, ...links.filter(({ source }) => source === name).map(of)), 0);
  return {
    links: graph.links.flatMap(({ source, target }) => links.find((link) => link.source === source && link.target === target) ?? []),
    heldBytes: ofTopics((link) => link.heldBytes),
    worstBytes: ofTopics((link) => link.worstBytes),
    undeclared: [...graph.nodes.values()].filter((node) => !isDeclared(graph, node)).map(({ name }) => name),
  };
}

function isDeclared(graph: Graph, { name, expects }: GraphNode): boolean {
  const reads = inputsOf(graph, name).length > 0;
  const publishes = outputsOf(graph, name).length > 0;
  return (reads ? expects?.workMs !== undefined : expects?.messagesPerSecond !== undefined) && (!publishes || expects?.bytes !== undefined);
}

/** @param arriving - messages a second of all inputs of the node, which share its time. */
function planLink(graph: Graph, node: GraphNode, { source, target, qos, options }: GraphLink, rate: number, arriving: number): LinkPlan {
  const { expects, maxBytes = defaultMaxBytes, onFull = 'wait', retain } = graph.nodes.get(source) ?? {};
  const bytes = expects?.bytes ?? defaultBytes;
  const workMs = node.expects?.workMs ?? 0;
  const workers = node.replicas * (qos === QoS.REALTIME ? (options.concurrency ?? 1) : 1);
  const share = arriving > 0 ? rate / arriving : 1;
  const capacity = workMs > 0 ? (workers * 1_000 * share) / workMs : Infinity;
  const load = rate > 0 && Number.isFinite(capacity) ? rate / capacity : 0;
  const retained = retainedBytes(retain, maxBytes, rate * bytes);
  const plan = { source, target, qos, rate, capacity, load };
  const warnings: string[] = [];
  if (bytes > maxBytes)
    warnings.push(`one value of '${source}' has ${size(bytes)}, its topic holds at most ${size(maxBytes)}: raise maxBytes`);

  if (qos === QoS.REALTIME) {
    const skippedShare = load > 1 ? 1 - 1 / load : 0;
    // What replicas look at, what waits for them, and what is being written.
    const heldBytes = Math.min(maxBytes + bytes, bytes * (workers + 2) + retained);
    const waitMs = load > 1 ? 1_000 / rate : 0;
    return { ...plan, skippedShare, heldBytes, worstBytes: heldBytes, waitMs, warnings };
  }

  const worstBytes = maxBytes + bytes;
  if (load >= 1) {
    const growth = (rate - capacity) * bytes;
    const full =
      growth > 0
        ? `the ${size(maxBytes)} of its topic are full after ${seconds(maxBytes / growth)}`
        : 'what it was late with is never caught up';
    const then = growth <= 0 ? '' : onFull === 'wait' ? `; '${source}' then waits for it` : `; publishing is then refused with BROKER_FULL`;
    const needed = Math.ceil((rate * workMs) / 1_000 / share / busyShare);
    warnings.push(
      `'${target}' cannot keep up: ${perSecond(rate)} come, it takes ${perSecond(capacity)}. ${upper(full)}${then}. ${needed} replicas would do`,
    );
    return { ...plan, skippedShare: 0, heldBytes: worstBytes, worstBytes, waitMs: Infinity, warnings };
  }
  if (load > busyShare)
    warnings.push(`'${target}' is busy for ${Math.round(load * 100)} % of the time: after a stop it takes long to catch up`);
  const waitMs = workMs > 0 ? ((load ** (Math.sqrt(2 * (workers + 1)) - 1) / (workers * (1 - load))) * workMs) / 2 : 0;
  const waiting = Math.ceil((rate * (waitMs + workMs)) / 1_000) + 1;
  return { ...plan, skippedShare: 0, heldBytes: Math.min(worstBytes, bytes * waiting + retained), worstBytes, waitMs, warnings };
}

/** What a topic holds for who looks back. @param perSecond - bytes that are published a second. */
function retainedBytes(retain: Retention | undefined, maxBytes: number, perSecond: number): number {
  if (!retain) return 0;
  const { seconds, bytes = maxBytes / 2 } = retain;
  return seconds === undefined ? bytes : Math.min(bytes, seconds * perSecond);
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function seconds(value: number): string {
  return value < 120 ? `${Math.round(value)} s` : value < 7_200 ? `${Math.round(value / 60)} min` : `${Math.round(value / 3_600)} h`;
}
