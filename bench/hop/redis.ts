import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Address } from '../support/redisServer.js';
import type { Driver, StampedFrame } from './driver.js';
import type { ByHand, FrameSetup } from './protocol.js';

const newestTopic = (audience: number): string => `newest-${audience}`;
/** Newest frames that are kept for who is about to read one of them. */
const keptNewest = 8;
/** What may wait for a slow consumer: as much as EdgeFlow's brokers keep by default. */
const maxBytes = 256 * 1024 * 1024;
const waitMs = 1_000;

interface Entry {
  readonly id: Buffer;
  readonly meta: Buffer;
  /** The frame's key or, where it travels in the stream, the frame. */
  readonly value: Buffer;
}

/**
 * By hand on ioredis: SET and XADD, XREVRANGE or XREAD and GET, with Buffers. The limit of a client in Node, without any of the
 * guarantees: no groups, no redelivery, what a killed process leaves stays.
 */
export const driver: Driver = {
  producer(setup) {
    const { control, data } = connect(setup);
    let count = 0;
    const send = async (topic: string, meta: Buffer, picture: Buffer): Promise<string> => {
      const key = `${topic}:${count++}`;
      // The frame first, so that an id never points to nothing.
      if (data) await data.set(key, picture);
      await control.xadd(topic, '*', 'meta', meta, 'value', data ? key : picture);
      return key;
    };
    const kept: string[] = [];
    return Promise.resolve({
      ready: () => Promise.resolve(),
      sendNewest: async (audience, { meta, picture }) => {
        kept.push(await send(newestTopic(audience), meta, picture));
        const old = kept.length > keptNewest ? kept.shift() : undefined;
        await Promise.all([old !== undefined && data?.unlink(old), control.xtrim(newestTopic(audience), 'MAXLEN', keptNewest)]);
      },
      sendEvery: async ({ meta, picture }) => {
        await send(setup.everyTopic, meta, picture);
        while ((await control.xlen(setup.everyTopic)) * picture.length > maxBytes) await delay(1);
      },
      close: () => quit(control, data),
    });
  },

  consumer(setup) {
    const { control, data } = connect(setup);
    const { control: reader } = connect({ ...setup, redis: { control: redisOf(setup).control } });
    const last = new Map<string, Buffer | string>();

    const read = async (topic: string, atMost: number): Promise<Entry[]> => {
      const reply = await reader.xreadBuffer('COUNT', atMost, 'BLOCK', waitMs, 'STREAMS', topic, last.get(topic) ?? '0');
      return (reply?.[0]?.[1] ?? []).map(entryOf);
    };
    const frameOf = async ({ meta, value }: Entry): Promise<StampedFrame | undefined> => {
      const picture = data ? await data.getBuffer(value) : value;
      return picture ? { meta, picture } : undefined;
    };

    let open: Entry[] = [];
    let settled: Promise<unknown> | undefined;
    const settle = (): Promise<unknown> => {
      const [ids, keys] = [open.map(({ id }) => id), open.map(({ value }) => value)];
      open = [];
      return ids.length > 0 ? Promise.all([data?.unlink(...keys), control.xdel(setup.everyTopic, ...ids)]) : Promise.resolve();
    };
    return Promise.resolve({
      latest: async (audience) => {
        const topic = newestTopic(audience);
        const [newest] = (await control.xrevrangeBuffer(topic, '+', '-', 'COUNT', 1)).map(entryOf);
        const seen = last.get(topic);
        const isNew = newest && !(seen instanceof Buffer && newest.id.equals(seen));
        const entry = isNew ? newest : (await read(topic, keptNewest)).at(-1);
        if (!entry) return undefined;
        last.set(topic, entry.id);
        return frameOf(entry);
      },
      // One batch is freed while the next is being fetched.
      next: async (atMost) => {
        await settled;
        settled = settle();
        open = await read(setup.everyTopic, atMost);
        last.set(setup.everyTopic, open.at(-1)?.id ?? last.get(setup.everyTopic) ?? '0');
        const frames = await Promise.all(open.map(frameOf));
        return frames.filter((frame) => frame !== undefined);
      },
      settle: async () => {
        await Promise.all([settled, settle()]);
        settled = undefined;
      },
      close: () => quit(control, data, reader),
    });
  },
};

function entryOf([id, fields]: [id: Buffer, fields: Buffer[]]): Entry {
  const [, meta, , value] = fields;
  if (!meta || !value) throw new Error('an entry of the stream without its fields');
  return { id, meta, value };
}

function redisOf({ redis }: FrameSetup): ByHand {
  if (!redis) throw new Error('no Redis in the setup of the bench');
  return redis;
}

function connect(setup: FrameSetup): { control: Redis; data: Redis | undefined } {
  const { control, data } = redisOf(setup);
  const client = (address: Address): Redis => new Redis({ ...address, maxRetriesPerRequest: null });
  return { control: client(control), data: data && client(data) };
}

async function quit(...clients: (Redis | undefined)[]): Promise<void> {
  await Promise.all(clients.filter((client) => client !== undefined).map((client) => client.quit()));
}
