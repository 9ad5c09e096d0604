import { Subscription } from 'rxjs';
import type { Observable } from 'rxjs';
import type { GroupStats } from '../../brokers/broker.js';
import { encodeValue } from '../../codec.js';
import { fromBroker } from '../../flow/fromBroker.js';
import { subscriptionsClosed } from '../../flow/runtime.js';
import type { OutgoingMessage } from '../../message.js';
import { QoS } from '../../qos.js';
import { hasCode } from '../../errors.js';
import { until } from '../harness.js';
import { RecordingBroker, recordedTopic } from './recordingBroker.js';
import type { DeliveryOutcome } from './recordingBroker.js';

/** What a pipeline is run on. */
export interface DurableCase<T> {
  /** The messages, in order; the first is at position 1. */
  readonly inputs: readonly T[];
  readonly prefetch: number;
  readonly maxDeliveries: number;
  /** The first subscriptions are unsubscribed after so many turns of the event loop, as a crash ends them. */
  readonly cuts: readonly number[];
}

/** What became of the messages. */
export interface DurableReport {
  /** Each delivery by `position@token`, and how it was settled. */
  readonly outcomes: ReadonlyMap<string, DeliveryOutcome>;
  readonly published: number;
  readonly acked: number;
  readonly dead: number;
  /** What was published to other topics, each id once. */
  readonly outputs: readonly OutgoingMessage[];
  /** Positions of the dead letters. */
  readonly deadSeqs: ReadonlySet<number>;
}

/** How many whole subscriptions may pass without settling anything before the rest counts as never settled. */
const idleRounds = 3;

/**
 * Runs a pipeline behind a DURABLE topic of a `RecordingBroker`, subscribing anew until each message is acked or dead.
 *
 * @param build - from the source to what is subscribed; called for each subscription.
 * @throws Error when messages are never settled, or the pipeline does not end.
 */
export async function runDurable<T>(
  { inputs, prefetch, maxDeliveries, cuts }: DurableCase<T>,
  build: (source: Observable<T>, broker: RecordingBroker) => Observable<unknown>,
  timeoutMs: number,
): Promise<DurableReport> {
  const broker = new RecordingBroker();
  const stats = async (): Promise<GroupStats> => {
    const group = (await broker.stats()).find(({ topic }) => topic === recordedTopic)?.groups.g;
    if (!group) throw new Error('the group is gone');
    return group;
  };
  await broker.declare({ topic: recordedTopic, groups: ['g'] });
  for (const [index, input] of inputs.entries())
    await broker.push(recordedTopic, { id: `message-${index + 1}`, time: Date.now(), ...encodeValue(input) });

  let subscription = Subscription.EMPTY;
  const round = async (cut: number | undefined): Promise<void> => {
    const stop = new AbortController();
    const source = fromBroker<T>(recordedTopic, QoS.DURABLE, {
      broker,
      group: 'g',
      prefetch,
      stop: stop.signal,
      retry: { maxDeliveries, initialMs: 0 },
    });
    let ended: 'completed' | { readonly error: unknown } | undefined;
    const hasEnded = (): boolean => ended !== undefined;
    subscription = build(source, broker).subscribe({
      error: (error: unknown) => (ended = { error }),
      complete: () => (ended = 'completed'),
    });
    if (cut === undefined) {
      await until('all messages were taken', async () => hasEnded() || (await stats()).unread === 0, timeoutMs);
      stop.abort();
      await until('the stream completes: some work on a message never ends', hasEnded, timeoutMs);
    } else {
      for (let turn = 0; turn < cut; turn++) await new Promise((resolve) => setImmediate(resolve));
      subscription.unsubscribe();
    }
    await subscriptionsClosed();
    // No later subscription can do better.
    if (typeof ended === 'object' && hasCode(ended.error, 'LEASE_ESCAPED')) throw ended.error;
  };
  try {
    for (const cut of cuts) await round(cut);
    for (let idle = 0; idle < idleRounds;) {
      const before = await stats();
      if (before.acked + before.dead === inputs.length) break;
      const delivered = nackedIn(broker);
      await round(undefined);
      const now = await stats();
      idle = now.acked + now.dead > before.acked + before.dead || nackedIn(broker) > delivered ? 0 : idle + 1;
    }
    const { published, acked, dead } = await stats();
    const deadSeqs = new Set((await broker.deadLetters(recordedTopic)).map(({ seq }) => seq));
    return { outcomes: broker.outcomes, outputs: [...broker.outputs.values()], published, acked, dead, deadSeqs };
  } finally {
    // After a failure it may be live, and the next run waits for all to be closed.
    subscription.unsubscribe();
    await subscriptionsClosed();
    await broker.close();
  }
}

function nackedIn({ outcomes }: RecordingBroker): number {
  let sum = 0;
  for (const { nacked } of outcomes.values()) sum += nacked;
  return sum;
}

/** Deliveries that were not settled exactly once, and messages that were not settled at all, in words. */
export function unsettled({ outcomes, published, acked, dead }: DurableReport): string[] {
  const found: string[] = [];
  for (const [delivery, outcome] of outcomes) {
    const { acked: acks, nacked, released } = outcome;
    if (acks + nacked + released !== 1)
      found.push(`delivery ${delivery} was acked ${acks}, nacked ${nacked} and handed back ${released} times`);
  }
  if (acked + dead !== published)
    found.push(
      `${published} published, but ${acked} acked and ${dead} dead-lettered: the rest was handed back each time the stream completed, ` +
        'so a lease on it was never released',
    );
  return found;
}
