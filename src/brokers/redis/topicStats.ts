import type { GroupStats, ReaderStats, TopicStats } from '../broker.js';
import { asBuffer, asList } from './reply.js';
import type { Reply } from './reply.js';

/** Counts of a topic from the reply of the `stats` command. */
export function parseTopicStats(topic: string, reply: unknown): TopicStats {
  const [hash, entries, deadLetters, open] = asList(reply);
  const fields = pairs(hash);
  const openOf = pairs(open);
  const number = (name: string): number => Number(fields.get(name) ?? 0);
  const head = number('head');
  const groups: Record<string, GroupStats> = {};
  for (const name of words(fields.get('groups'))) {
    groups[name] = {
      published: head - number(`g:${name}:start`),
      acked: number(`g:${name}:acked`),
      dead: number(`g:${name}:dead`),
      open: Number(openOf.get(name)),
      unread: head - number(`g:${name}:cursor`),
    };
  }
  const readers: Record<string, ReaderStats> = {};
  for (const name of words(fields.get('readers'))) {
    readers[name] = {
      published: head - number(`r:${name}:start`),
      delivered: number(`r:${name}:delivered`),
      skipped: number(`r:${name}:skipped`),
      waiting: head - number(`r:${name}:cursor`),
    };
  }
  return { topic, published: head, entries: Number(entries), bytes: number('bytes'), deadLetters: Number(deadLetters), groups, readers };
}

function pairs(reply: Reply | undefined): Map<string, string> {
  const list = asList(reply).map((value) => (typeof value === 'number' ? String(value) : asBuffer(value).toString()));
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < list.length; i += 2) map.set(list[i] ?? '', list[i + 1] ?? '');
  return map;
}

function words(text: string | undefined): string[] {
  return text?.split(' ').filter(Boolean) ?? [];
}
