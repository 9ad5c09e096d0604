import type { Command } from 'commander';
import { columns } from './columns.js';
import { addStoreOptions, withBroker } from './storeOption.js';
import type { StoreFlags } from './storeOption.js';

async function list(flags: StoreFlags): Promise<void> {
  await withBroker(flags, async (broker) => {
    const rows = (await broker.stats()).flatMap(({ topic, groups }) =>
      Object.entries(groups).map(([group, stats]) => ({ topic, group, ...stats })),
    );
    if (flags.json) {
      console.log(JSON.stringify(rows, undefined, 2));
      return;
    }
    const cells = rows.map((row) => [row.topic, row.group, ...[row.published, row.acked, row.dead, row.open, row.unread].map(String)]);
    const header = ['TOPIC', 'GROUP', 'PUBLISHED', 'ACKED', 'DEAD', 'OPEN', 'UNREAD'];
    console.log(columns([header, ...cells], new Set(['TOPIC', 'GROUP'])).join('\n'));
  });
}

async function drop(topic: string, group: string, flags: StoreFlags): Promise<void> {
  await withBroker(flags, async (broker) => {
    const unsettled = await broker.dropGroup(topic, group);
    console.log(
      flags.json
        ? JSON.stringify({ topic, group, unsettled })
        : `group '${group}' of topic '${topic}' is gone, with ${unsettled} messages that it had not settled`,
    );
  });
}

/** Adds `edgeflow groups list|drop`. */
export function addGroupsCommand(program: Command): void {
  const groups = program.command('groups').description('DURABLE subscriptions of stored topics');
  addStoreOptions(groups.command('list').description('list groups and what became of their messages')).action(list);
  addStoreOptions(
    groups
      .command('drop')
      .description('forget a group that nobody reads any more, and free what it held')
      .argument('<topic>')
      .argument('<group>'),
  ).action(drop);
}
