import type { Broker } from '../brokers/broker.js';
import { decodeValue } from '../codec.js';
import { EdgeFlowError } from '../errors.js';
import { validate } from '../topic.js';
import type { Topic } from '../topic.js';
import { ownTime } from './ownTime.js';

/** Raw frames come one or two at a time: they wait in memory while those before are dealt with. */
const pageBytes = 8 * 1024 * 1024;

/** Which values are read, by their own times. */
export interface ReadBackOptions<F> {
  /** Milliseconds since the epoch. */
  readonly from: number;
  /** Milliseconds since the epoch. */
  readonly to: number;
  readonly timeOf: ((value: F) => number | undefined) | undefined;
}

/** A value, and the id of its message. */
export interface EarlierValue<F> {
  readonly id: string;
  readonly value: F;
}

/**
 * Reads the values of a topic that were made in a span of time, page by page, as far as they were published by now.
 *
 * @throws EdgeFlowError `TOPIC_UNDECLARED`, `NOTHING_RETAINED`
 */
export async function* readBack<F>(
  broker: Broker,
  topic: Topic<F>,
  { from, to, timeOf = ownTime }: ReadBackOptions<F>,
): AsyncGenerator<EarlierValue<F>> {
  // A value is published after it was made, so later ones are looked at too.
  const now = Date.now();
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await broker.range(topic.name, { after, from, to: now, maxBytes: pageBytes });
    if (!page.retains)
      throw new EdgeFlowError(
        'NOTHING_RETAINED',
        `topic '${topic.name}' keeps no message that nobody needs, so there is nothing to look back on: give its node, or ` +
          'its declaration, retain: { seconds, bytes }',
      );
    for (const message of page.messages) {
      const value = await validate(topic, decodeValue(message));
      const time = timeOf(value) ?? message.time;
      if (time >= from && time <= to) yield { id: message.id, value };
    }
    after = page.next;
  }
}
