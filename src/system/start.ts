import type { Broker, TopicStats } from '../brokers/broker.js';
import { EmbeddedBroker } from '../brokers/embedded/embeddedBroker.js';
import { EdgeFlowError } from '../errors.js';
import { runtime } from '../flow/runtime.js';
import { QoS } from '../qos.js';
import { inputsOf, outputsOf, shadowsOf } from './graph.js';
import type { Graph, GraphNode } from './graph.js';
import type { Isolation } from './isolation.js';
import { logSink } from './log.js';
import { NodeClients } from './nodeClients.js';
import type { RunningSystem, RunOptions } from './runningSystem.js';
import { childStarter } from './startChild.js';
import { Supervisor } from './supervisor.js';
import { retireWatchers } from './watchTopic.js';

/** Prepares the broker, as the one client that may reset it, and starts the supervisor. */
export async function startSystem(graph: Graph, isolation: (node: GraphNode) => Isolation, options: RunOptions): Promise<RunningSystem> {
  const broker = options.broker ?? new EmbeddedBroker({ name: graph.name });
  try {
    const config = await broker.open();
    const apart = [...graph.nodes.values()].find((node) => isolation(node) === 'process');
    if (!config && apart)
      throw new EdgeFlowError(
        'BROKER_CONFIG',
        `a ${broker.kind} broker lives in one process, and node '${apart.name}' runs in another; ` +
          "use an embedded or Redis broker, or isolation 'thread' or 'inline' for all nodes",
      );
    await broker.claim();
    const log = await logSink(options, graph.name);
    await prepare(graph, broker, options);
    if (options.resume) for (const line of unread(graph, await broker.stats())) log(graph.name, line, { level: 'warn' });
    const supervisor = new Supervisor(
      graph,
      broker,
      { isolation, startChild: childStarter(isolation, config, new NodeClients(broker, config)), log },
      options,
    );
    if ([...graph.nodes.values()].some((node) => isolation(node) === 'inline')) lend(broker, supervisor.done);
    await supervisor.start();
    return supervisor;
  } catch (error) {
    await broker.close();
    throw error;
  }
}

/** Inline nodes find the system's broker where others find their worker's: in `fromBroker` and `toBroker` without options. */
function lend(broker: Broker, done: Promise<unknown>): void {
  const before = runtime.broker;
  runtime.broker = broker;
  void done
    .catch(() => undefined)
    .finally(() => {
      if (runtime.broker === broker) runtime.broker = before;
    });
}

async function prepare(graph: Graph, broker: Broker, { resume = false, reset = false }: RunOptions): Promise<void> {
  if (resume) await retireWatchers(broker, await broker.stats());
  else {
    const left = reset ? [] : unacked(graph, await broker.stats());
    if (left.length > 0)
      throw new EdgeFlowError(
        'UNACKED_MESSAGES',
        `an earlier run of '${graph.name}' left messages that nobody has acked: ${left.join(', ')}. ` +
          'Run with resume: true (--resume) to deliver them, or reset: true (--reset) to discard them',
      );
    await broker.reset({ scope: reset === 'namespace' ? 'namespace' : 'all' });
  }
  for (const node of graph.nodes.values()) {
    const targets = (qos: QoS): string[] =>
      outputsOf(graph, node.name)
        .filter((link) => link.qos === qos)
        .map(({ target }) => target);
    if (outputsOf(graph, node.name).length === 0 && inputsOf(graph, node.name).length > 0) continue;
    await broker.declare({
      topic: node.name,
      groups: targets(QoS.DURABLE),
      readers: targets(QoS.REALTIME),
      maxBytes: node.maxBytes,
      onFull: node.onFull,
      retain: node.retain,
    });
  }
}

/** What shadows left, whose supervisor was killed, holds nobody up. */
function unacked(graph: Graph, stats: readonly TopicStats[]): string[] {
  const shadows = shadowsOf(graph);
  return stats.flatMap(({ topic, groups }) =>
    Object.entries(groups)
      .filter(([group, { open, unread }]) => open + unread > 0 && !shadows.has(group))
      .map(([group, { open, unread }]) => `${open + unread} of topic '${topic}' for '${group}'`),
  );
}

/** What an earlier run with another graph left behind: groups that hold messages, or will, and that no node reads. */
function unread(graph: Graph, stats: readonly TopicStats[]): string[] {
  return stats.flatMap(({ topic, groups }) =>
    Object.entries(groups)
      .filter(([group]) => !outputsOf(graph, topic).some(({ target, qos }) => target === group && qos === QoS.DURABLE))
      .map(([group, { open, unread: waiting }]) => ({ group, held: open + waiting }))
      .filter(({ held }) => held > 0 || graph.nodes.has(topic))
      .map(
        ({ group, held }) =>
          `group '${group}' of topic '${topic}' holds ${held} messages that nobody reads: \`edgeflow groups drop ${topic} ${group}\``,
      ),
  );
}
