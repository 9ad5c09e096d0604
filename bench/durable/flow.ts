import { connectBroker, fromBroker, QoS, subscriptionsClosed, toBroker, topic } from 'edgeflow';
import type { Broker } from 'edgeflow';
import { concatMap, from, lastValueFrom, map, tap } from 'rxjs';
import { batches, batchSize, detection, Tally, topicName } from './driver.js';
import type { Detection, Driver, DurableSetup } from './driver.js';

const detections = topic<Detection>(topicName);
const group = 'consumer';

/** EdgeFlow as a user writes it: toBroker, fromBroker. */
export const driver: Driver = {
  async producer(setup) {
    const broker = await connect(setup);
    await broker.declare({ topic: topicName, groups: [group] });
    return {
      run: async (phase) => {
        const sent = from(batches(phase, setup)).pipe(
          concatMap((batch) =>
            from(batch).pipe(
              map((n) => detection(phase.phase, n)),
              toBroker(detections, { broker }),
            ),
          ),
        );
        await lastValueFrom(sent);
      },
      close: () => broker.close(),
    };
  },

  async consumer(setup) {
    const broker = await connect(setup);
    return {
      run: async (phase) => {
        const tally = new Tally(phase);
        const stop = new AbortController();
        const received = fromBroker(detections, QoS.DURABLE, {
          broker,
          group,
          consumer: 'only',
          prefetch: batchSize,
          stop: stop.signal,
        }).pipe(
          tap((value) => {
            tally.add(value);
            if (tally.complete) stop.abort();
          }),
        );
        await lastValueFrom(received);
        // The stream completes when all has settled, and the subscription closes when all is acked.
        await subscriptionsClosed();
      },
      close: () => broker.close(),
    };
  },
};

function connect({ broker }: DurableSetup): Promise<Broker> {
  if (!broker) throw new Error('no broker in the setup of the bench');
  return connectBroker(broker);
}
