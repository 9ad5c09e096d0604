import { setTimeout as delay } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Broker, TopicStats } from '../brokers/broker.js';
import { size } from '../system/quantities.js';
import { columns } from './columns.js';
import { parseDuration } from './duration.js';
import { endSignal } from './endSignal.js';
import { readProcesses } from '../system/nodeProcesses.js';
import type { NodeProcess } from '../system/nodeProcesses.js';
import { isWatcher } from '../system/watchTopic.js';
import { addStoreOptions, withBroker } from './storeOption.js';
import type { StoreFlags } from './storeOption.js';

const clearScreen = '\x1b[H\x1b[J';

interface TopFlags extends StoreFlags {
  readonly every: number;
  readonly once?: boolean;
}

/** One subscription of a topic. */
interface TopRow {
  readonly topic: string;
  readonly consumer: string;
  readonly qos: 'durable' | 'realtime';
  readonly perSecond: number;
  readonly done: number;
  readonly skipped: number;
  readonly pending: number;
  readonly dead: number;
}

interface Sample {
  readonly time: number;
  readonly topics: readonly TopicStats[];
  readonly processes: readonly NodeProcess[];
}

/** @param system - whose processes are meant; those of all where it is not known. */
async function take(broker: Broker, system: string | undefined): Promise<Sample> {
  const topics = await broker.stats();
  const processes = (await readProcesses()).filter(({ name }) => system === undefined || name.startsWith(`${system}/`));
  return { time: performance.now(), topics, processes };
}

function rowsOf(topics: readonly TopicStats[]): Omit<TopRow, 'perSecond'>[] {
  return topics.flatMap(({ topic, groups, readers }) => [
    ...Object.entries(groups).map(([consumer, { acked, dead, open, unread }]) => ({
      topic,
      consumer,
      qos: 'durable' as const,
      done: acked,
      skipped: 0,
      pending: open + unread,
      dead,
    })),
    ...Object.entries(readers)
      .filter(([reader]) => !isWatcher(reader))
      .map(([consumer, { delivered, skipped, waiting }]) => ({
        topic,
        consumer,
        qos: 'realtime' as const,
        done: delivered,
        skipped,
        pending: waiting,
        dead: 0,
      })),
  ]);
}

/** What happened between two samples. */
function compare(
  before: Sample,
  now: Sample,
): { readonly links: TopRow[]; readonly processes: (NodeProcess & { readonly cpuPercent: number })[] } {
  const seconds = (now.time - before.time) / 1_000;
  const earlier = rowsOf(before.topics);
  const links = rowsOf(now.topics).map((row) => {
    const old = earlier.find(({ topic, consumer, qos }) => topic === row.topic && consumer === row.consumer && qos === row.qos);
    return { ...row, perSecond: old ? (row.done - old.done) / seconds : 0 };
  });
  const processes = now.processes.map((each) => {
    const old = before.processes.find(({ pid }) => pid === each.pid);
    return { ...each, cpuPercent: old ? ((each.cpuSeconds - old.cpuSeconds) / seconds) * 100 : 0 };
  });
  return { links, processes };
}

function render({ links, processes }: ReturnType<typeof compare>, topics: readonly TopicStats[]): string {
  const table = columns(
    [
      ['TOPIC', 'CONSUMER', 'QOS', 'RATE', 'DONE', 'SKIPPED', 'PENDING', 'DEAD'],
      ...links.map((row) => [
        row.topic,
        row.consumer,
        row.qos,
        `${row.perSecond.toFixed(1)}/s`,
        String(row.done),
        row.qos === 'realtime' ? String(row.skipped) : '–',
        String(row.pending),
        row.qos === 'durable' ? String(row.dead) : '–',
      ]),
    ],
    new Set(['TOPIC', 'CONSUMER', 'QOS']),
  );
  const nodes = columns(
    [
      ['NODE', 'PID', 'CPU', 'MEMORY'],
      ...processes.map(({ name, pid, cpuPercent, rss }) => [name, String(pid), `${cpuPercent.toFixed(1)} %`, size(rss)]),
    ],
    new Set(['NODE']),
  );
  const stored = topics.reduce((sum, { bytes }) => sum + bytes, 0);
  return [...table, '', ...(processes.length > 0 ? [...nodes, ''] : []), `${topics.length} topics store ${size(stored)}`, ''].join('\n');
}

/** More often, and looking would be most of what this host does. */
const leastEveryMs = 10;

function parseEvery(text: string): number {
  const ms = parseDuration(text);
  if (ms < leastEveryMs) throw new InvalidArgumentError(`expected at least ${leastEveryMs}ms.`);
  return ms;
}

async function top({ every, once = false, ...flags }: TopFlags): Promise<void> {
  const end = endSignal();
  try {
    await withBroker(flags, async (broker, name) => {
      // The folder of a store, or a server, does not say whose it is.
      const system = flags.directory === undefined && flags.broker !== 'redis' ? name : flags.system;
      for (let before = await take(broker, system); ;) {
        if (!(await pause(every, end.signal))) return;
        const now = await take(broker, system);
        const found = compare(before, now);
        if (flags.json) console.log(JSON.stringify({ time: new Date().toISOString(), ...found }));
        else process.stdout.write(`${process.stdout.isTTY && !once ? clearScreen : ''}${render(found, now.topics)}\n`);
        if (once) return;
        before = now;
      }
    });
  } finally {
    end.release();
  }
}

/** @returns false when it was ended before its time. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal }).catch(() => false);
}

/** Adds `edgeflow top`. */
export function addTopCommand(program: Command): void {
  addStoreOptions(
    program.command('top').description('a table of what flows, from outside a running System; one line of JSON a look with --json'),
  )
    .option('--every <duration>', 'time between two looks', parseEvery, 1_000)
    .option('--once', 'one look')
    .action(top);
}
