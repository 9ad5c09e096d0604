import { DualRedisBroker, EmbeddedBroker } from 'edgeflow';
import type { Broker } from 'edgeflow';
import { describe, expect, test } from 'vitest';
import { killTransforms } from '../support/killTransforms.js';
import { freshDirectory, linkOf, range, temporaryFolder } from '../support/system.js';

const folder = temporaryFolder();

describe.each<[string, () => Broker]>([
  ['embedded', () => new EmbeddedBroker({ directory: freshDirectory(), dedupeWindow: 1 })],
  ['two Redises', () => DualRedisBroker.local({ dedupeWindow: 1 })],
])('%s', (_, makeBroker) => {
  test('a node killed 20 times publishes one message for each that it takes', async () => {
    const { ledger, sunk, restarts } = await killTransforms(makeBroker(), 20, folder);
    const { published } = linkOf(ledger, 'source', 'transform');
    expect(linkOf(ledger, 'transform', 'sink')).toMatchObject({ published, acked: published, dead: 0, pending: 0 });
    expect(sunk).toEqual(range(published));
    expect(restarts).toBe(20);
  }, 300_000);
});
