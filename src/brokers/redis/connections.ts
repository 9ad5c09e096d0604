import type { AbstractConnector, Redis } from 'ioredis';
import { setMaxListeners } from 'node:events';
import { EdgeFlowError, errorMessage } from '../../errors.js';
import { Bell } from './bell.js';
import { Blobs, ignoreLost } from './blobs.js';
import type { RedisAddress } from './endpoint.js';
import { Heartbeat } from './heartbeat.js';
import { keysOf } from './keys.js';
import type { Keys } from './keys.js';
import { LinkLost, RedisLink } from './link.js';
import { LongPolls } from './longPolls.js';
import { payloadConnector } from './payloadConnector.js';
import { PayloadMemory } from './payloadMemory.js';
import { asList } from './reply.js';

/** How a client uses its servers; see `DualRedisBrokerOptions`. */
export interface ClientSettings {
  readonly namespace: string;
  readonly inlineBytes: number;
  readonly visibilityMs: number;
  readonly dedupeWindow: number;
}

/** The bell sends nothing by itself: without this a half-open connection would not be noticed. */
const pingMs = 5_000;
const controlSilenceMs = 10_000;
/** A payload of 256 MiB may be long on its way before a byte of answer comes. */
const dataSilenceMs = 60_000;

/** What is used of ioredis. */
interface ClientLibrary {
  readonly Redis: typeof Redis;
  readonly AbstractConnector: typeof AbstractConnector;
}

/** The connections of one client: commands, payloads, the bell, and polls. */
export class Connections {
  readonly control: RedisLink;
  readonly data: RedisLink;
  readonly bell: Bell;
  readonly polls: LongPolls;
  readonly blobs: Blobs;
  readonly heartbeat: Heartbeat;
  readonly memory = new PayloadMemory();
  readonly keys: Keys;
  readonly dedupeWindow: number;
  readonly inlineBytes: number;
  /** Aborted, with the error for pending calls, when the broker closes. */
  readonly closed: AbortSignal;
  readonly #bellLink: RedisLink;
  readonly #pings: NodeJS.Timeout;
  #main = false;

  private constructor(
    { Redis: Client, AbstractConnector: Base }: ClientLibrary,
    control: RedisAddress,
    data: RedisAddress,
    settings: ClientSettings,
    closed: AbortSignal,
  ) {
    this.closed = closed;
    this.keys = keysOf(settings.namespace);
    this.dedupeWindow = settings.dedupeWindow;
    this.inlineBytes = settings.inlineBytes;
    const controlOptions = { silenceMs: controlSilenceMs, endsFormer: true };
    this.control = new RedisLink(Client, control, 'control', controlOptions);
    // Payloads may come and go late: a key is used once.
    this.data = new RedisLink(Client, data, 'data', {
      silenceMs: dataSilenceMs,
      endsFormer: false,
      options: { Connector: payloadConnector(Base, data, this.memory) },
    });
    this.#bellLink = new RedisLink(Client, control, 'control', controlOptions);
    this.bell = new Bell(this.#bellLink);
    // A ping that fails breaks the connection, and that is seen there.
    this.#pings = setInterval(() => void this.#bellLink.send((client) => client.ping()).catch(() => undefined), pingMs).unref();
    this.polls = new LongPolls(this.control, () => new RedisLink(Client, control, 'control', controlOptions));
    this.blobs = new Blobs(Client, this.data, this.control, this.keys);
    this.heartbeat = new Heartbeat(this.control, this.keys, settings.visibilityMs);
  }

  static async open(control: RedisAddress, data: RedisAddress, settings: ClientSettings, closed: AbortSignal): Promise<Connections> {
    setMaxListeners(0, closed);
    const connections = new Connections(await import('ioredis'), control, data, settings, closed);
    try {
      const { control: controlLink, data: dataLink } = connections;
      await Promise.all([
        controlLink.connect(() => checkServer(controlLink)),
        dataLink.connect(() => checkServer(dataLink)),
        connections.#bellLink.connect(),
      ]);
      // Where a connection breaks meanwhile, the next client will do it.
      await connections.blobs.emptyTrash().catch(ignoreLost);
      return connections;
    } catch (error) {
      connections.disconnect();
      throw error;
    }
  }

  /**
   * Makes this client the main process: it listens on a channel that only main processes listen on, which the server
   * forgets when the connection ends.
   *
   * @returns whether there was no other.
   */
  async claimMain(): Promise<boolean> {
    if (this.#main) return true;
    await this.bell.listen(this.keys.main);
    const [, listeners] = asList(await this.control.send((client) => client.callBuffer('PUBSUB', 'NUMSUB', this.keys.main)));
    this.#main = Number(listeners) <= 1;
    if (!this.#main) await this.bell.forget(this.keys.main);
    return this.#main;
  }

  /** For what may be done twice: repeats it when a connection was lost, on either plane. */
  async persist<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof LinkLost)) throw error;
      }
      await this.control.retry(this.closed);
      if (!this.data.ready) await this.data.retry(this.closed);
    }
  }

  disconnect(): void {
    this.heartbeat.close();
    clearInterval(this.#pings);
    this.control.close();
    this.data.close();
    this.#bellLink.close();
    this.polls.disconnect();
    this.bell.ringAll();
  }
}

/** Refuses a server that would delete messages by itself, or that is too old. */
async function checkServer(link: RedisLink): Promise<void> {
  let info: string;
  try {
    info = await link.send((client) => client.info());
  } catch (error) {
    // A user without the right to ask may use the server all the same.
    if (errorMessage(error).includes('NOPERM')) return;
    throw error;
  }
  const [, major = '0', minor = '0'] = /^redis_version:(\d+)\.(\d+)/m.exec(info) ?? [];
  if (Number(major) * 100 + Number(minor) < 602)
    throw new EdgeFlowError('BROKER_CONFIG', `the ${link.address} is version ${major}.${minor}; expected 6.2 or newer`);
  if (/^slave_read_only:1/m.test(info))
    throw new EdgeFlowError('BROKER_CONFIG', `the ${link.address} is a replica, which takes no writes: name the master's address`);
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction';
  if (/^maxmemory:[1-9]/m.test(info) && policy !== 'noeviction')
    throw new EdgeFlowError(
      'BROKER_CONFIG',
      `the ${link.address} deletes messages when its memory is full: set 'maxmemory-policy noeviction' there (found '${policy}')`,
    );
}
