import type { Ledger, LinkLedger } from '../observe/ledger.js';
import { QoS } from '../qos.js';
import type { NodeReport, NodeStatus } from '../system/replica.js';
import { runsHere } from './shown.js';
import type { Shown } from './shown.js';
import type { LinkHealth, LinkView, NodeView, ReplicaView, Snapshot, TopicView } from './wire.js';

/** A DURABLE consumer with more than this many seconds of work before it is behind. */
const behindSeconds = 3;

interface Sample {
  readonly time: number;
  readonly ledger: Ledger;
  readonly status: readonly NodeStatus[];
  readonly topics: ReadonlyMap<string, number>;
}

/** Draws up snapshots of a running system; rates are those since the snapshot before. */
export class Sampler {
  readonly #running: Shown;
  readonly #control: boolean;
  #last: Sample | undefined;
  readonly #cpuShares = new CpuShares();

  constructor(running: Shown, control: boolean) {
    this.#running = running;
    this.#control = control;
  }

  async sample(): Promise<Snapshot> {
    const [ledger, topics] = await Promise.all([this.#running.ledger(), this.#running.topics()]);
    const sample: Sample = {
      time: performance.now(),
      ledger,
      status: this.#running.status(),
      topics: new Map(topics.map(({ topic, published }) => [topic, published])),
    };
    const last = this.#last;
    this.#last = sample;
    const perSecond = (now: number, before: number | undefined): number =>
      last && before !== undefined && sample.time > last.time
        ? // A worker that was started anew counts from 0 again.
          (Math.max(0, now - before) * 1_000) / (sample.time - last.time)
        : 0;
    const graph = this.#running.graph();
    const outside = !runsHere(this.#running);
    const links = ledger.links.map((link) => linkView(link, last, sample.status, perSecond));
    const nodes: NodeView[] = graph.nodes.map(({ name, isolation, topic, inputs }) => {
      const replicas = sample.status
        .filter(({ node }) => node === name)
        .map((replica) => replicaView(replica, last, perSecond, this.#cpuShares.of(replica, sample.time)));
      // What a node takes is told by itself, or, to who looks from outside, by the broker.
      const [first, ...others] = replicas;
      const taken = links.filter(({ target }) => target === name).reduce((sum, { donePerSecond }) => sum + donePerSecond, 0);
      return { name, isolation, topic, inputs, replicas: outside && first ? [{ ...first, takenPerSecond: taken }, ...others] : replicas };
    });
    return {
      system: graph.name,
      time: Date.now(),
      control: this.#control,
      outside,
      balanced: ledger.balanced,
      nodes,
      links,
      topics: topics.map(({ topic, published, entries, bytes, deadLetters }): TopicView => ({
        topic,
        published,
        publishedPerSecond: perSecond(published, last?.topics.get(topic)),
        entries,
        bytes,
        deadLetters,
      })),
    };
  }
}

/** The share of a core that each replica uses. It is that between two of its reports, which come more seldom than snapshots while it is quiet. */
class CpuShares {
  readonly #known = new Map<
    string,
    { readonly pid: number | undefined; readonly report: NodeReport; readonly time: number; readonly share: number }
  >();

  of({ node, replica, pid, report }: NodeStatus, time: number): number | undefined {
    if (!report) return undefined;
    const name = `${node}/${replica}`;
    const known = this.#known.get(name);
    if (known?.report === report) return known.share;
    // A process that was started anew counts from 0 again.
    const share = known?.pid === pid && known ? Math.max(0, report.cpuMs - known.report.cpuMs) / (time - known.time) : 0;
    this.#known.set(name, { pid, report, time, share });
    return share;
  }
}

type PerSecond = (now: number, before: number | undefined) => number;

const takenOf = (status: NodeStatus | undefined): number =>
  Object.values(status?.report?.inputs ?? {}).reduce((sum, { delivered }) => sum + delivered, 0);

function replicaView(status: NodeStatus, last: Sample | undefined, perSecond: PerSecond, cpuShare: number | undefined): ReplicaView {
  const before = last?.status.find(({ node, replica, pid }) => node === status.node && replica === status.replica && pid === status.pid);
  const { replica, state, pid, restarts, report } = status;
  // What its last process had is not its own any more.
  const lives = state !== 'restarting' && state !== 'failed' && state !== 'done';
  return {
    replica,
    state,
    pid: lives ? pid : undefined,
    restarts,
    publishedPerSecond: perSecond(report?.published ?? 0, before?.report?.published),
    takenPerSecond: perSecond(takenOf(status), before?.report && takenOf(before)),
    cpuShare,
    rssBytes: lives ? report?.rss : undefined,
    note: report?.note,
  };
}

function linkView(link: LinkLedger, last: Sample | undefined, status: readonly NodeStatus[], perSecond: PerSecond): LinkView {
  const { source, target } = link;
  const before = last?.ledger.links.find((row) => row.source === source && row.target === target);
  const replicas = status.filter(({ node }) => node === target);
  const counts = replicas.flatMap(({ report }) => report?.inputs[source] ?? []);
  const worst = (key: 'ageP50' | 'ageP99'): number | undefined =>
    counts.length > 0 ? Math.max(...counts.map((count) => count[key])) : undefined;
  const donePerSecond = perSecond(link.acked + link.delivered, before && before.acked + before.delivered);
  return {
    ...link,
    donePerSecond,
    skippedPerSecond: perSecond(link.skipped, before?.skipped),
    ageP50Ms: worst('ageP50'),
    ageP99Ms: worst('ageP99'),
    health: health(link, donePerSecond, before, replicas),
  };
}

function health(link: LinkLedger, perSecond: number, before: LinkLedger | undefined, replicas: readonly NodeStatus[]): LinkHealth {
  const { qos, pending, published } = link;
  if (replicas.length > 0 && replicas.every(({ state }) => state !== 'running' && state !== 'done')) return 'down';
  if (perSecond > 0) return qos === QoS.DURABLE && pending > perSecond * behindSeconds ? 'behind' : 'ok';
  // Of a single sample nobody can say that nothing was taken.
  if (!before) return 'ok';
  if (pending > 0) return 'stalled';
  return before.published === published ? 'idle' : 'ok';
}
