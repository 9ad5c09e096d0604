import type { DriverName, FrameSetup } from './protocol.js';

/** A way of frames from one process to another, at its two ends. */
export interface Driver {
  producer(setup: FrameSetup): Promise<Sender>;
  consumer(setup: FrameSetup): Promise<Receiver>;
}

/** A frame with its stamp, which travels beside it. */
export interface StampedFrame {
  readonly meta: Uint8Array;
  readonly picture: Uint8Array;
}

interface Sender {
  /** Resolves when so many consumers of the newest frames can be reached. */
  ready(audience: number): Promise<void>;
  /** To all consumers of an audience that read the newest. Resolves when the bytes may be written again. */
  sendNewest(audience: number, frame: { meta: Buffer; picture: Buffer }): Promise<void>;
  /** To the one consumer that reads every frame. Resolves when the bytes may be written again. */
  sendEvery(frame: { meta: Buffer; picture: Buffer }): Promise<void>;
  /** Bytes that are held for an audience. */
  storedBytes?(audience: number): Promise<number>;
  close(): Promise<void>;
}

interface Receiver {
  /** The newest frame that this consumer has not had; undefined when there was none for a while. */
  latest(audience: number): Promise<StampedFrame | undefined>;
  /** The next frames in order, a few at most; none when there was none for a while. Settles those of the call before. */
  next(atMost: number): Promise<StampedFrame[]>;
  /** Settles what the last call of `next` returned. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** Loads one driver and nothing of the others. */
export async function loadDriver(name: DriverName | undefined): Promise<Driver> {
  switch (name) {
    case 'broker':
      return (await import('./broker.js')).driver;
    case 'redis':
      return (await import('./redis.js')).driver;
    case 'zeromq':
      return (await import('./zeromq.js')).driver;
    case undefined:
      throw new Error('no driver in the setup of the bench');
  }
}
