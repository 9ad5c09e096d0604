import type { DualRedisBroker, DualRedisBrokerOptions } from 'edgeflow';
import { describe, expect, test } from 'vitest';
import * as broken from '../../fixtures/broken/lenders.js';
import { useRedisPair } from '../../support/redisPair.js';
import { lendingChecks } from './lending.js';

const redis = useRedisPair();

describe('the memory of a payload that is read in place is', () => {
  test.each(Object.entries(lendingChecks))('%s', (_, check) => check(redis.connect()));
});

type BrokenBroker = new (options: DualRedisBrokerOptions) => DualRedisBroker;

const writtenOver = /^message \d was written over$/;
const sameMemory = /^two messages have the same memory$/;
const notUsedAgain = /^the memory was not used again$/;

const caughtBy: readonly (readonly [check: string, what: string, Broken: BrokenBroker, objection: RegExp])[] = [
  ['used again after an ack', 'settles at once', broken.SettlesAtOnce, writtenOver],
  ['used again after an ack', 'never uses it again', broken.NeverUsesAgain, notUsedAgain],
  ['used again after a nack', 'never uses it again', broken.NeverUsesAgain, notUsedAgain],
  ['used again after the last nack', 'never uses it again', broken.NeverUsesAgain, notUsedAgain],
  ['used again after a commit', 'never uses it again', broken.NeverUsesAgain, notUsedAgain],
  ['used again when a REALTIME message is let go, and no earlier', 'lets go at once', broken.LetsGoAtOnce, writtenOver],
  ['used again when a REALTIME message is let go, and no earlier', 'never uses it again', broken.NeverUsesAgain, notUsedAgain],
  ['left alone where its message is handed back', 'settles what is handed back', broken.SettlesWhatIsHandedBack, sameMemory],
  ['left alone where all messages are handed back', 'settles what is handed back', broken.SettlesWhatIsHandedBack, sameMemory],
  [
    'left alone where its message has come again, and its first delivery is acked',
    'does not tell deliveries apart',
    broken.SettlesByPosition,
    writtenOver,
  ],
  ['left alone where the group is dropped', 'settles what a dropped group had open', broken.SettlesWhatIsDropped, writtenOver],
  ['left alone where a commit is refused', 'settles the rest of it', broken.SettlesInPart, writtenOver],
  ['left alone where it was not lent', 'lends it unasked', broken.LendsUnasked, writtenOver],
  [
    'left alone where a REALTIME pipeline is unsubscribed in the midst of its work',
    'takes that for its end',
    broken.ForgetsTheAbandoned,
    writtenOver,
  ],
];

describe('that it is', () => {
  test.each(caughtBy)('%s catches a broker that %s', async (name, _, Broken, objection) => {
    await expect(lendingChecks[name]?.(redis.connect({}, Broken))).rejects.toThrow(objection);
  });

  test('every check catches a broken broker, and every broken broker is caught', () => {
    expect(new Set(caughtBy.map(([name]) => name))).toEqual(new Set(Object.keys(lendingChecks)));
    expect(new Set(caughtBy.map(([, , Broken]) => Broken))).toEqual(new Set(Object.values(broken)));
  });
});
