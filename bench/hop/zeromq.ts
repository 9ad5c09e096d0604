import { join } from 'node:path';
import { Pull, Push, Subscriber, XPublisher } from 'zeromq';
import type { Driver, StampedFrame } from './driver.js';
import type { FrameSetup } from './protocol.js';
import { stampBytes } from './stamp.js';

/** Frames that wait at either end at full speed. */
const highWaterMark = 2;
/** In the picture, behind the frame's number: CONFLATE takes messages of one part only. */
const stampAt = 4;

/** A socket that waits may miss that there is something: it looks again after so many milliseconds. */
const lookAgainMs = 200;

/** ZeroMQ over unix sockets: PUB/SUB with CONFLATE for the newest, PUSH/PULL, which loses none, for every frame. */
export const driver: Driver = {
  async producer(setup) {
    const publishers = new Map<number, XPublisher>();
    for (const audience of setup.audiences) {
      const publisher = new XPublisher({ verbosity: 'allSubs', receiveTimeout: lookAgainMs });
      await publisher.bind(newestAddress(setup, audience));
      publishers.set(audience, publisher);
    }
    const push = new Push({ sendHighWaterMark: highWaterMark, sendTimeout: lookAgainMs });
    await push.bind(everyAddress(setup));
    let sent: Promise<void> | undefined;
    return {
      async ready(audience) {
        const publisher = publishers.get(audience);
        // Each subscription arrives as a message.
        for (let missing = audience; missing > 0; missing--) await patiently(() => publisher?.receive());
      },
      sendNewest: async (audience, { meta, picture }) => {
        meta.copy(picture, stampAt);
        await publishers.get(audience)?.send(picture);
      },
      // A socket takes one call at a time.
      sendEvery: ({ meta, picture }) => {
        meta.copy(picture, stampAt);
        const before = sent;
        sent = (async () => {
          await before;
          await patiently(() => push.send(picture));
        })();
        return sent;
      },
      close: async () => {
        for (const socket of [...publishers.values(), push]) socket.close();
      },
    };
  },

  consumer(setup) {
    const index = setup.consumer ?? 0;
    const subscribers = new Map(
      setup.audiences
        .filter((audience) => index < audience)
        .map((audience) => {
          const subscriber = new Subscriber({ conflate: true, receiveTimeout: lookAgainMs });
          subscriber.connect(newestAddress(setup, audience));
          subscriber.subscribe();
          return [audience, subscriber];
        }),
    );
    const pull = new Pull({ receiveHighWaterMark: highWaterMark, receiveTimeout: lookAgainMs });
    if (index === 0) pull.connect(everyAddress(setup));
    return Promise.resolve({
      latest: async (audience) => frameOf(await patiently(() => subscribers.get(audience)?.receive())),
      next: async () => [frameOf(await patiently(() => pull.receive()))],
      settle: () => Promise.resolve(),
      close: async () => {
        for (const socket of [...subscribers.values(), pull]) socket.close();
      },
    });
  },
};

/** Does it again for as long as it takes more time than a look. */
async function patiently<R>(act: () => Promise<R> | undefined): Promise<R | undefined> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

function frameOf(parts: readonly Buffer[] | undefined): StampedFrame {
  const picture = parts?.[0];
  if (!picture) throw new Error('a message of no parts');
  return { meta: picture.subarray(stampAt, stampAt + stampBytes), picture };
}

const newestAddress = (setup: FrameSetup, audience: number): string => `ipc://${folderOf(setup)}/newest-${audience}`;
const everyAddress = (setup: FrameSetup): string => `ipc://${join(folderOf(setup), setup.everyTopic)}`;

function folderOf({ directory }: FrameSetup): string {
  if (directory === undefined) throw new Error('no folder in the setup of the bench');
  return directory;
}
