import type { Broker, TopicStats } from '../brokers/broker.js';
import { EmbeddedBroker } from '../brokers/embedded/embeddedBroker.js';
import { EdgeFlowError } from '../errors.js';
import { QoS } from '../qos.js';
import { inputsOf, outputsOf } from './graph.js';
import type { Graph } from './graph.js';
import { logLine } from './log.js';
import type { RunningSystem, RunOptions } from './runningSystem.js';
import { Supervisor } from './supervisor.js';

/** Prepares the broker, as the one process that may reset it, and starts the supervisor. */
export async function startSystem(graph: Graph, options: RunOptions): Promise<RunningSystem> {
  const broker = options.broker ?? new EmbeddedBroker({ name: graph.name });
  try {
    const config = await broker.open();
    if (!config)
      throw new EdgeFlowError('BROKER_CONFIG', `a ${broker.kind} broker lives in one process; run a System on an embedded or Redis broker`);
    await broker.claim();
    await prepare(graph, broker, options);
    if (options.resume) for (const line of unread(graph, await broker.stats())) logLine(options, graph.name, line);
    const supervisor = new Supervisor(graph, broker, config, options);
    await supervisor.start();
    return supervisor;
  } catch (error) {
    await broker.close();
    throw error;
  }
}

async function prepare(graph: Graph, broker: Broker, { resume = false, reset = false }: RunOptions): Promise<void> {
  if (!resume) {
    const left = reset ? [] : unacked(await broker.stats());
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
    });
  }
}

function unacked(stats: readonly TopicStats[]): string[] {
  return stats.flatMap(({ topic, groups }) =>
    Object.entries(groups)
      .filter(([, { open, unread }]) => open + unread > 0)
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
