import type { LinkCounts } from '../observe/linkMeter.js';
import { addSkips } from '../observe/skips.js';
import type { NodeReport } from './replica.js';

/** What a replica has done in its earlier runs and in this one; what tells of the present is that of this one. */
export function addReports(earlier: NodeReport, now: NodeReport): NodeReport {
  const inputs = Object.entries(now.inputs).map(([source, counts]) => [source, addCounts(earlier.inputs[source], counts)] as const);
  return { ...now, inputs: Object.fromEntries(inputs), published: earlier.published + now.published };
}

function addCounts(earlier: LinkCounts | undefined, now: LinkCounts): LinkCounts {
  if (!earlier) return now;
  return {
    ...now,
    delivered: earlier.delivered + now.delivered,
    failed: earlier.failed + now.failed,
    ageSumMs: earlier.ageSumMs + now.ageSumMs,
    ageBuckets: now.ageBuckets.map((count, bucket) => count + (earlier.ageBuckets[bucket] ?? 0)),
    skips: addSkips(earlier.skips, now.skips),
  };
}
