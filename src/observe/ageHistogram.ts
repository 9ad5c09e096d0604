import type * as PromClient from 'prom-client';
import type { MetricValueWithName, Registry } from 'prom-client';
import type { ObservedNode } from './observed.js';
import { ageBucketsMs } from './linkMeter.js';
import type { LinkCounts } from './linkMeter.js';

type Label = 'source' | 'target' | 'le';
type Value = MetricValueWithName<Label>;

const name = 'edgeflow_message_age_seconds';
const help = 'Time from publication of a message to its delivery.';

/** Registers the histogram of ages: the workers have counted already, so that it is shown rather than observed. */
export async function ageHistogram(
  client: Pick<typeof PromClient, 'Histogram'>,
  registry: Registry,
  status: readonly ObservedNode[],
): Promise<void> {
  const histogram = new client.Histogram<Label>({ name, help, labelNames: ['source', 'target'], registers: [] });
  const shown = { ...(await histogram.get()), values: valuesOf(status) };
  // The registry asks for the one or the other.
  const get = (): Promise<typeof shown> => Promise.resolve(shown);
  registry.registerMetric(Object.assign(histogram, { get, getForPromString: get }));
}

function valuesOf(status: readonly ObservedNode[]): Value[] {
  const links = new Map<string, { readonly labels: { source: string; target: string }; readonly counts: LinkCounts[] }>();
  for (const { node: target, report } of status)
    for (const [source, counts] of Object.entries(report?.inputs ?? {})) {
      const key = `${source} ${target}`;
      const link = links.get(key) ?? { labels: { source, target }, counts: [] };
      link.counts.push(counts);
      links.set(key, link);
    }
  return [...links.values()].flatMap(({ labels, counts }) => {
    let sum = 0;
    const buckets = [...ageBucketsMs, Infinity].map((bound, bucket) => {
      sum += counts.reduce((total, { ageBuckets }) => total + (ageBuckets[bucket] ?? 0), 0);
      return { metricName: `${name}_bucket`, labels: { ...labels, le: bound === Infinity ? '+Inf' : String(bound / 1_000) }, value: sum };
    });
    const seconds = counts.reduce((total, { ageSumMs }) => total + ageSumMs, 0) / 1_000;
    return [...buckets, { metricName: `${name}_sum`, labels, value: seconds }, { metricName: `${name}_count`, labels, value: sum }];
  });
}
