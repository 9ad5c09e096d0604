import { ageHistogram } from './ageHistogram.js';
import type { LinkLedger } from './ledger.js';
import type { ObservedNode, ObservedSystem } from './observed.js';
import { addSkips } from './skips.js';
import type { SkipCounts } from './skips.js';

/** Content type of {@link metricsText}. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

const states = ['starting', 'running', 'draining', 'paused', 'restarting', 'done', 'failed'] as const;

/**
 * The metrics of a running system in the text format of Prometheus: `docs/monitoring.md` lists them.
 *
 * Made anew at each call, of the ledger, the broker's counts and the last reports of the workers: it costs nothing in between.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @example
 * ```ts
 * const running = await system.run();
 * console.log(await metricsText(running));
 * ```
 */
export async function metricsText(running: ObservedSystem): Promise<string> {
  // Loaded here, so that only who asks for metrics has it in memory.
  const client = await import('prom-client');
  const registry = new client.Registry();
  registry.setDefaultLabels({ system: running.name });
  const registers = [registry];
  const labelled = (labelNames: readonly string[]) => ({ labelNames: [...labelNames], registers });
  const counter = (name: string, help: string, ...labels: readonly string[]) =>
    new client.Counter({ name: `edgeflow_${name}`, help, ...labelled(labels) });
  const gauge = (name: string, help: string, ...labels: readonly string[]) =>
    new client.Gauge({ name: `edgeflow_${name}`, help, ...labelled(labels) });

  const [ledger, topics] = await Promise.all([running.ledger(), running.topics()]);
  const status = running.status();
  const link = ['source', 'target'] as const;
  const linkPublished = counter('link_published_messages_total', 'Messages published since the link exists.', ...link, 'qos');
  const delivered = counter(
    'delivered_messages_total',
    'REALTIME: messages handed to the consumer, with those that it dropped for their age.',
    ...link,
  );
  const skipped = counter('skipped_messages_total', 'REALTIME: messages passed over, by reason.', ...link, 'reason');
  const acked = counter('acked_messages_total', 'DURABLE: messages settled for good.', ...link);
  const pending = gauge('pending_messages', 'Messages that are still to come, or open.', ...link, 'qos');
  const dead = gauge('dead_messages', 'DURABLE: messages given up and not delivered again since.', ...link);
  const balanced = gauge('link_balanced', 'Whether the columns of the ledger add up (1) or not (0).', ...link);
  for (const row of ledger.links) {
    const { source, target, qos } = row;
    const names = { source, target };
    linkPublished.inc({ ...names, qos }, row.published);
    pending.set({ ...names, qos }, row.pending);
    balanced.set(names, row.balanced ? 1 : 0);
    if (qos === 'durable') {
      acked.inc(names, row.acked);
      dead.set(names, row.dead);
    } else {
      delivered.inc(names, row.delivered + row.skippedBy.expired);
      for (const [reason, count] of Object.entries(toldSkips(row, status))) skipped.inc({ ...names, reason }, count);
    }
  }

  const published = counter('messages_published_total', 'Messages published to the topic.', 'topic');
  const stored = gauge('topic_stored_messages', 'Messages that the topic stores.', 'topic');
  const bytes = gauge('topic_stored_bytes', 'Bytes that the topic stores, meta and payload.', 'topic');
  const letters = gauge('dead_letters', 'Dead letters that are kept of the topic.', 'topic');
  for (const { topic, ...counts } of topics) {
    published.inc({ topic }, counts.published);
    stored.set({ topic }, counts.entries);
    bytes.set({ topic }, counts.bytes);
    letters.set({ topic }, counts.deadLetters);
  }

  const failed = counter('failed_deliveries_total', 'Deliveries that failed: tried again, dead-lettered or dropped.', ...link);
  const node = ['node', 'replica'] as const;
  const restarts = counter('node_restarts_total', 'Restarts after a crash.', ...node);
  const state = gauge('node_state', 'The state of the node is 1, all others are 0.', ...node, 'state');
  const shadow = gauge('node_shadow', '1 for a shadow node, which only looks on.', ...node);
  const cpu = counter('node_cpu_seconds_total', 'Processor time of a node that has a process of its own.', ...node);
  const memory = gauge('node_resident_memory_bytes', 'Resident memory of a node that has a process of its own.', ...node);
  for (const replica of status) {
    const names = { node: replica.node, replica: String(replica.replica) };
    restarts.inc(names, replica.restarts);
    shadow.set(names, replica.shadow ? 1 : 0);
    for (const name of states) state.set({ ...names, state: name }, replica.state === name ? 1 : 0);
    for (const [source, counts] of Object.entries(replica.report?.inputs ?? {}))
      failed.inc({ source, target: replica.node }, counts.failed);
    if (!replica.report || !ownProcess(replica)) continue;
    cpu.inc(names, replica.report.cpuMs / 1_000);
    memory.set(names, replica.report.rss);
  }
  const { user, system } = process.cpuUsage();
  counter('supervisor_cpu_seconds_total', 'Processor time of the main process, with the nodes that run in it.').inc((user + system) / 1e6);
  gauge('supervisor_resident_memory_bytes', 'Resident memory of the main process.').set(process.memoryUsage.rss());
  await ageHistogram(client, registry, status);
  return registry.metrics();
}

/**
 * What workers have told, which never falls. In the ledger a message that no worker has told of yet is `stale` until one has: as a
 * counter that would begin anew each time. Who looks from outside hears no worker, and has the ledger alone.
 */
function toldSkips({ source, target, skippedBy }: LinkLedger, status: readonly ObservedNode[]): SkipCounts {
  const told = status.filter(({ node }) => node === target).flatMap(({ report }) => report?.inputs[source]?.skips ?? []);
  return told.length > 0 ? told.reduce(addSkips) : skippedBy;
}

/** Nodes that share the main process would all tell of the same process. */
function ownProcess({ pid }: ObservedNode): boolean {
  return pid !== undefined && pid !== process.pid;
}
