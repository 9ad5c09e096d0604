import type { TopicStats } from '../brokers/broker.js';
import { QoS } from '../qos.js';
import { attributeSkips, noSkips } from './skips.js';
import type { SkipCounts } from './skips.js';

/** What became of the messages of one link. Each stands in exactly one column. */
export interface LinkLedger {
  readonly source: string;
  readonly target: string;
  readonly qos: QoS;
  /** Messages published since the link exists. */
  readonly published: number;
  /** DURABLE: settled for good. */
  readonly acked: number;
  /** DURABLE: given up, kept as dead letters. */
  readonly dead: number;
  /** REALTIME: handed to the consumer, and not dropped for its age. */
  readonly delivered: number;
  /** REALTIME: passed over for a newer one, or dropped for its age. */
  readonly skipped: number;
  /** Why: the sum is `skipped`. */
  readonly skippedBy: SkipCounts;
  /** Still to come: unread or open (DURABLE), newer than the last one taken (REALTIME). */
  readonly pending: number;
  /** Whether the columns add up to `published`. */
  readonly balanced: boolean;
  /** Set for the links of shadow nodes, which only look on. */
  readonly shadow?: true;
}

/** The ledger of a System: what happened to every message of every link, as the broker counted it. */
export interface Ledger {
  readonly links: readonly LinkLedger[];
  /** Whether every link balances, but for those of shadows. */
  readonly balanced: boolean;
}

interface LinkName {
  readonly source: string;
  readonly target: string;
  readonly qos: QoS;
  readonly shadow?: true;
}

function linkLedger({ source, target, qos, shadow }: LinkName, stats: TopicStats | undefined, told: SkipCounts): LinkLedger {
  let skippedBy = noSkips;
  const counts = { published: 0, acked: 0, dead: 0, delivered: 0, skipped: 0, pending: 0 };
  if (qos === QoS.DURABLE) {
    const group = stats?.groups[target];
    if (group)
      Object.assign(counts, { published: group.published, acked: group.acked, dead: group.dead, pending: group.open + group.unread });
  } else {
    const reader = stats?.readers[target];
    if (reader) {
      const { published, delivered, skipped, waiting: pending } = reader;
      const expired = Math.min(told.expired, delivered);
      skippedBy = { ...attributeSkips(skipped, told), expired };
      Object.assign(counts, { published, delivered: delivered - expired, skipped: skipped + expired, pending });
    }
  }
  const { published, acked, dead, delivered, skipped, pending } = counts;
  const balanced = published === acked + dead + delivered + skipped + pending;
  return { source, target, qos, ...counts, skippedBy, balanced, ...(shadow && { shadow }) };
}

/**
 * Draws up the ledger of links from the broker's counts.
 *
 * @param told - what workers told of the skips of a link.
 */
export function drawLedger(
  links: readonly LinkName[],
  stats: readonly TopicStats[],
  told: (link: LinkName) => SkipCounts = () => noSkips,
): Ledger {
  const rows = links.map((link) =>
    linkLedger(
      link,
      stats.find(({ topic }) => topic === link.source),
      told(link),
    ),
  );
  return { links: rows, balanced: rows.every(({ balanced, shadow }) => shadow ?? balanced) };
}

/**
 * The ledger as lines of text, one a link.
 *
 * @example
 * ```ts
 * const running = await system.run();
 * const { ledger } = await running.done;
 * console.log(formatLedger(ledger));
 * ```
 */
export function formatLedger({ links, balanced }: Ledger): string {
  const lines = links.map((link) => {
    const columns =
      link.qos === QoS.DURABLE
        ? `${link.acked} acked + ${link.dead} dead-lettered + ${link.pending} pending`
        : `${link.delivered} delivered + ${link.skipped} skipped + ${link.pending} waiting`;
    return `${link.source} → ${link.target} (${link.qos}${link.shadow ? ', shadow' : ''}): ${link.published} published = ${columns}${link.balanced ? '' : '  DOES NOT BALANCE'}`;
  });
  return [...lines, balanced ? 'ledger balanced' : 'ledger NOT balanced'].join('\n');
}
