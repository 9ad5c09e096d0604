import { existsSync, readFileSync } from 'node:fs';
import type { SweepResult, TopicStats } from '#src/brokers/broker.js';
import { keptNewest } from '#src/brokers/options.js';
import type { Recorded } from './recordFile.js';
import { grows } from './trends.js';
import type { Trend } from './trends.js';
import { mostMessageBytes } from './value.js';

/** What is known when a run has ended. */
export interface Findings {
  readonly messages: number;
  readonly stats: readonly TopicStats[];
  /** What the sink and the reader wrote down. */
  readonly sink: readonly Recorded[];
  readonly reader: readonly Recorded[];
  /** A sweep that removes what was left behind, and one after it. */
  readonly sweeps: readonly [first: SweepResult, second: SweepResult];
  /** Payloads on the data plane after that; undefined where it can't be seen from outside. */
  readonly payloads: number | undefined;
  /** The most bytes that were seen in a topic, and their bound. */
  readonly mostBytes: number;
  readonly maxBytes: number;
  readonly trends: readonly Trend[];
  readonly logFile: string;
}

/** One statement about a run, and whether it holds. */
export interface Check {
  readonly statement: string;
  readonly holds: boolean;
  /** What was found. */
  readonly found: string;
}

/** Holds a run against the contract: `D…` of DURABLE, `R…` of REALTIME. */
export function check(findings: Findings): Check[] {
  const { messages, stats, sink, reader, sweeps, payloads, mostBytes, maxBytes, trends, logFile } = findings;
  const topic = (name: string): TopicStats | undefined => stats.find((one) => one.topic === name);
  const [producer, transform] = [topic('producer'), topic('transform')];
  const groups = [
    ['producer → transform', producer?.groups.transform],
    ['transform → sink', transform?.groups.sink],
  ] as const;
  const followed = producer?.readers.reader;
  const lost = missing(sink, messages);
  const wrong = [...sink, ...reader].filter(({ whole }) => !whole);
  const disorder = firstDisorder(reader);
  const log = existsSync(logFile) ? readFileSync(logFile, 'utf8').split('\n') : [];
  const deaths = log.filter((line) => / restart \d+ of /.test(line) && !line.includes('ended with SIGKILL'));
  const failures = log.filter((line) => line.includes(' failed and was '));
  const growing = trends.filter(grows);

  return [
    {
      statement: 'D1 nothing is lost: the sink has every number',
      holds: lost.length === 0,
      found: lost.length === 0 ? `all ${messages}` : `${lost.length} missing, first ${lost.slice(0, 10).join(', ')}`,
    },
    {
      statement: 'D2 D3 everything is published once, by a source and by a node that are killed',
      holds: producer?.published === messages && transform?.published === messages,
      found: `${producer?.published} by the producer, ${transform?.published} by the transform, of ${messages}`,
    },
    {
      statement: 'the ledger balances, and nothing is pending or dead-lettered',
      holds: groups.every(([, group]) => group?.published === group?.acked && group?.published === messages),
      found: groups
        .map(
          ([link, group]) =>
            `${link}: ${group?.published} = ${group?.acked} acked + ${group?.dead} dead + ${(group?.open ?? NaN) + (group?.unread ?? NaN)} pending`,
        )
        .join('; '),
    },
    {
      statement: 'D9 everything is freed but the newest kept for readers, and no payload is left behind',
      holds: stats.every((one) => isReclaimed(one)) && sweeps[1].orphans === 0 && (payloads ?? 0) <= kept(stats),
      found: `${stats.map(({ topic: name, entries, bytes }) => `${name}: ${entries} messages, ${bytes} bytes`).join('; ')}; ${sweeps[0].orphans} left by killed producers and swept`,
    },
    {
      statement: 'D10 no topic stores more than maxBytes and one message',
      holds: mostBytes <= maxBytes + mostMessageBytes,
      found: `${mostBytes} of ${maxBytes} bytes`,
    },
    {
      statement: 'D12 all bytes that arrive are those that were published',
      holds: wrong.length === 0,
      found:
        wrong.length === 0
          ? `${sink.length + reader.length} values compared`
          : `wrong for ${wrong
              .slice(0, 10)
              .map(({ number }) => number)
              .join(', ')}`,
    },
    {
      statement: 'R1 what the REALTIME reader gets strictly increases, across its restarts',
      holds: disorder === undefined,
      found: disorder ?? `${reader.length} values in order`,
    },
    {
      statement: 'R3 published = delivered + skipped',
      holds: followed?.published === messages && followed.published === followed.delivered + followed.skipped,
      found: `${followed?.published} = ${followed?.delivered} + ${followed?.skipped}, ${followed?.waiting} waiting`,
    },
    {
      statement: 'R6 no delivery fails',
      holds: failures.length === 0,
      found: failures.length === 0 ? 'none failed' : `${failures.length}, first: ${failures[0]}`,
    },
    {
      statement: 'no worker dies but by the faults',
      holds: deaths.length === 0,
      found: deaths.length === 0 ? 'none' : `${deaths.length}, first: ${deaths[0]}`,
    },
    {
      statement: 'memory, files, descriptors and handles do not grow after warm-up',
      holds: growing.length === 0,
      found: growing.length === 0 ? `${trends.length} trends` : growing.map(({ what, measure }) => `${what}: ${measure}`).join('; '),
    },
  ];
}

/** Messages that the sink got more than once: a consumer that was killed before its ack gets them again. */
export function repeatedDeliveries(sink: readonly Recorded[]): number {
  return sink.length - new Set(sink.map(({ number }) => number)).size;
}

/** The numbers from 1 on that were not written down. */
export function missing(sink: readonly Recorded[], messages: number): number[] {
  const seen = new Set(sink.map(({ number }) => number));
  return Array.from({ length: messages }, (_, index) => index + 1).filter((number) => !seen.has(number));
}

/**
 * What breaks the order in a record, if anything does. Each process must go up, and begin above all that was written
 * before it; a worker that outlives its killed supervisor for a moment may still write what it was given.
 */
export function firstDisorder(records: readonly Recorded[]): string | undefined {
  const lastOf = new Map<number, number>();
  const seen = new Set<number>();
  let newest = 0;
  for (const { pid, number } of records) {
    const before = lastOf.get(pid) ?? newest;
    if (seen.has(number) || number <= before) return `${number} after ${before} in process ${pid}`;
    lastOf.set(pid, number);
    seen.add(number);
    newest = Math.max(newest, number);
  }
  return undefined;
}

function keptOf({ readers, groups }: TopicStats): number {
  return keptNewest(Object.keys(readers).length, Object.keys(groups).length);
}

function kept(stats: readonly TopicStats[]): number {
  return stats.reduce((sum, one) => sum + keptOf(one), 0);
}

function isReclaimed(stats: TopicStats): boolean {
  return stats.entries <= keptOf(stats) && stats.bytes <= keptOf(stats) * mostMessageBytes;
}
