import type { TopicStats } from 'edgeflow';
import { expect } from 'vitest';

/** Each message of each group and reader stands in exactly one column. */
export function expectBalance(stats: readonly TopicStats[]): void {
  for (const { topic, groups, readers } of stats) {
    for (const [group, { published, acked, dead, open, unread }] of Object.entries(groups))
      expect({ topic, group, published }).toEqual({ topic, group, published: acked + dead + open + unread });
    for (const [reader, { published, delivered, skipped, waiting }] of Object.entries(readers))
      expect({ topic, reader, published }).toEqual({ topic, reader, published: delivered + skipped + waiting });
  }
}
