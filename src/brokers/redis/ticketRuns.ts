import type { Ticket } from '../broker.js';

/** Of a run: the first of some seqs in a row, the token and the head of each of them, and how many they are. */
type Run = [seq: number, token: number, head: string, count: number];

/**
 * Tickets as scripts read them (settle.lua). Most of a batch differ in nothing but their seq, and each word that passes into a
 * script takes time there.
 */
export function ticketRuns(tickets: readonly Ticket[], headOf: (seq: number) => string): Run[] {
  const runs: Run[] = [];
  let last: Run | undefined;
  for (const { seq, token } of tickets) {
    const head = headOf(seq);
    if (last && seq === last[0] + last[3] && token === last[1] && head === last[2]) last[3]++;
    else runs.push((last = [seq, token, head, 1]));
  }
  return runs;
}
