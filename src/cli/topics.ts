import type { Command } from 'commander';
import { size } from '../system/quantities.js';
import { columns } from './columns.js';
import { addStoreOptions, withBroker } from './storeOption.js';
import type { StoreFlags } from './storeOption.js';

async function list(flags: StoreFlags): Promise<void> {
  await withBroker(flags, async (broker) => {
    const topics = await broker.stats();
    if (flags.json) {
      console.log(JSON.stringify(topics, undefined, 2));
      return;
    }
    const names = (of: Readonly<Record<string, unknown>>): string => Object.keys(of).join(', ') || '–';
    const rows = topics.map(({ topic, published, entries, bytes, deadLetters, groups, readers }) => [
      topic,
      String(published),
      String(entries),
      size(bytes),
      String(deadLetters),
      names(groups),
      names(readers),
    ]);
    const header = ['TOPIC', 'PUBLISHED', 'STORED', 'BYTES', 'DEAD', 'DURABLE', 'REALTIME'];
    console.log(columns([header, ...rows], new Set(['TOPIC', 'DURABLE', 'REALTIME'])).join('\n'));
  });
}

/** Adds `edgeflow topics`. */
export function addTopicsCommand(program: Command): void {
  addStoreOptions(program.command('topics').description('list topics, what they store, and who reads them')).action(list);
}
