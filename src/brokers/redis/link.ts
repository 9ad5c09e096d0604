import type { Redis, RedisOptions } from 'ioredis';
import { setMaxListeners } from 'node:events';
import { EdgeFlowError, errorMessage } from '../../errors.js';
import type { Command } from './command.js';
import { encodeCommand } from './encode.js';
import type { Argument } from './encode.js';
import { connectionOptions, describeEndpoint } from './endpoint.js';
import type { RedisAddress } from './endpoint.js';
import { judgeRefusal, LinkLost, NoRoom, refusedCredentials } from './refusal.js';
import { waitFor, warnWaiting } from './wait.js';
import { withoutArguments } from './withoutArguments.js';

export { LinkLost } from './refusal.js';

const firstConnectMs = 3_000;
/** A server that loads its append-only file refuses all commands meanwhile. */
const firstLoadMs = 60_000;
/** An outage of so long is worth a word. */
const silentOutageMs = 2_000;

interface LinkOptions {
  /** How long a sent command may go without a byte of answer, before the connection counts as dead. */
  readonly silenceMs: number;
  /** Whether what was sent before a reconnect must not be done after it. */
  readonly endsFormer: boolean;
  /** Further ones of ioredis. */
  readonly options?: RedisOptions;
}

/**
 * One connection that is made again for ever. A command is sent once: where the connection breaks it fails at once with
 * {@link LinkLost}, and the caller decides whether it may be repeated. ioredis's own repetition is off.
 */
export class RedisLink {
  readonly client: Redis;
  readonly address: string;
  readonly #Client: typeof Redis;
  readonly #changed = new EventTarget();
  #lastError: unknown;
  #wasReady = false;
  /** Whether the server was told of the connections before. */
  #begun = false;
  #id: number | undefined;
  /** Connections that broke here, and perhaps not there. */
  readonly #former = new Set<number>();
  #away: NodeJS.Timeout | undefined;
  /** Since when a server that is connected has refused all commands. */
  #refusingSince: number | undefined;
  /** Holds what is sent until the end of this tick. */
  #corked: Redis['stream'] | undefined;

  /** @param Client - ioredis's class; loaded by the caller, so that programs on another broker do without it. */
  constructor(Client: typeof Redis, address: RedisAddress, role: string, { silenceMs, endsFormer, options = {} }: LinkOptions) {
    setMaxListeners(0, this.#changed);
    this.#Client = Client;
    this.address = `${role} Redis at ${describeEndpoint(address)}`;
    this.client = new Client({
      ...connectionOptions(address),
      ...options,
      lazyConnect: true,
      enableOfflineQueue: false,
      // It asks for INFO, which a user may lack the right to. A server that loads is seen by its answers.
      enableReadyCheck: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 5_000,
      socketTimeout: silenceMs,
      disableClientInfo: true,
      retryStrategy: (times) => Math.min(20 * 2 ** Math.min(times, 5), 500),
    });
    this.client.on('error', (error: unknown) => {
      this.#lastError = withoutArguments(error);
      this.#changed.dispatchEvent(new Event('change'));
    });
    this.client.on('ready', () => {
      if (endsFormer) {
        // As the first command of all.
        this.endFormer(this);
        void this.client.call('CLIENT', 'ID').then(
          (id) => (this.#id = Number(id)),
          // Without the right to do so, it goes without.
          () => undefined,
        );
      }
      this.#begun = true;
      this.#wasReady = true;
      clearTimeout(this.#away);
      this.#away = undefined;
      this.#changed.dispatchEvent(new Event('change'));
    });
    this.client.on('close', () => {
      this.#begun = false;
      if (this.#id !== undefined) this.#former.add(this.#id);
      this.#id = undefined;
      if (this.#wasReady) this.#sayAway();
    });
    this.client.on('end', () => this.#changed.dispatchEvent(new Event('change')));
  }

  get ready(): boolean {
    return this.#begun && this.client.status === 'ready';
  }

  /** What the server calls this connection, where it tells. */
  get id(): number | undefined {
    return this.#id;
  }

  /**
   * Has the server close the connections before this one, before it does what is sent on `link` from now on. What was sent on them may
   * still be on its way, for as long as the network goes on trying, and must not be done after this client was told what was not.
   */
  endFormer({ client }: RedisLink): void {
    for (const id of this.#former) {
      const forget = (): void => void this.#former.delete(id);
      client.call('CLIENT', 'KILL', 'ID', id).then(forget, (error: unknown) => {
        // Without the right to do so, it goes without.
        if (refusedCredentials.test(errorMessage(error))) forget();
      });
    }
  }

  /**
   * Makes the first connection.
   *
   * @param check - asks the server whether it can be used; asked again where the connection breaks meanwhile.
   * @throws EdgeFlowError `BROKER_UNREACHABLE` or `BROKER_AUTH`, within seconds; or what `check` found.
   */
  async connect(check: () => Promise<unknown> = () => this.send((client) => client.ping())): Promise<void> {
    const start = performance.now();
    // Its outcome is seen by the events.
    this.client.connect().catch((error: unknown) => (this.#lastError ??= withoutArguments(error)));
    while (!this.ready) {
      const text = errorMessage(this.#lastError);
      if (this.#lastError !== undefined && refusedCredentials.test(text))
        throw this.#abandon(
          'BROKER_AUTH',
          `the ${this.address} refused the credentials (${text.split(' ', 1)[0]}): check username and password`,
        );
      if (performance.now() - start > firstConnectMs || this.client.status === 'end')
        throw this.#abandon(
          'BROKER_UNREACHABLE',
          `no answer from the ${this.address}${this.#lastError === undefined ? '' : ` (${text})`}: start redis-server there, or name another address`,
        );
      await waitFor(this.#changed, 'change', 50);
    }
    for (;;) {
      try {
        await check();
        return;
      } catch (error) {
        // With a full disk it refuses even a ping, which is an answer.
        if (error instanceof NoRoom) return;
        this.#lastError = error;
        if (error instanceof EdgeFlowError) {
          this.close();
          throw error;
        }
        if (!(error instanceof LinkLost) || performance.now() - start > firstLoadMs)
          throw this.#abandon('BROKER_UNREACHABLE', `no service from the ${this.address}: ${errorMessage(error)}`);
      }
      await waitFor(this.#changed, 'change', 50);
    }
  }

  #abandon(code: 'BROKER_AUTH' | 'BROKER_UNREACHABLE', message: string): EdgeFlowError {
    this.close();
    return new EdgeFlowError(code, message, { cause: this.#lastError });
  }

  /** Waits until the connection stands; false when that took too long. */
  async whenReady(ms: number, signal?: AbortSignal): Promise<boolean> {
    const end = performance.now() + ms;
    while (!this.ready) {
      const left = end - performance.now();
      if (left <= 0 || signal?.aborted || this.client.status === 'end') return false;
      await waitFor(this.#changed, 'change', Math.min(left, 1_000), signal);
    }
    return true;
  }

  /** Sends commands, and tells a lost connection from a refusal. */
  async send<T>(request: (client: Redis) => Promise<T>): Promise<T> {
    if (!this.ready) throw new LinkLost(`no connection to the ${this.address}`);
    this.#sendTogether();
    try {
      const reply = await request(this.client);
      this.#refusingSince = undefined;
      return reply;
    } catch (error) {
      throw this.#judge(error);
    }
  }

  /**
   * Has the commands of this tick go to the server in one write: it then finds them together. One that syncs each of its turns
   * to disk does so once for an ack and the pop that follows it.
   */
  #sendTogether(): void {
    const { stream } = this.client;
    if (this.#corked === stream) return;
    this.#corked = stream;
    stream.cork();
    process.nextTick(() => {
      if (this.#corked === stream) this.#corked = undefined;
      stream.uncork();
    });
  }

  /** Runs a script. Sends its text where the server does not know it: after a restart. */
  async run(command: Command, keys: readonly string[], values: readonly Argument[]): Promise<unknown> {
    return this.send(async () => {
      try {
        return await this.#evaluate('EVALSHA', command.sha, keys, values);
      } catch (error) {
        if (!errorMessage(error).startsWith('NOSCRIPT')) throw error;
        return this.#evaluate('EVAL', command.text, keys, values);
      }
    });
  }

  #evaluate(name: string, script: string, keys: readonly string[], values: readonly Argument[]): Promise<unknown> {
    const evaluation = new this.#Client.Command(name, [script, keys.length, ...keys], { replyEncoding: null });
    evaluation.toWritable = () => encodeCommand([name, script, keys.length, ...keys, ...values]);
    return this.client.sendCommand(evaluation) as Promise<unknown>;
  }

  /** Sends a command again and again until it was answered. For what may be done twice. */
  async persist<T>(attempt: (repeated: boolean) => Promise<T>, closed: AbortSignal): Promise<T> {
    for (let repeated = false; ; repeated = true) {
      try {
        return await attempt(repeated);
      } catch (error) {
        if (!(error instanceof LinkLost)) throw error;
      }
      await this.retry(closed);
    }
  }

  /** Waits until a lost command may be tried again. */
  async retry(closed: AbortSignal): Promise<void> {
    // A server that is connected but not able to answer, such as one that loads: no hot loop.
    if (this.ready) await waitFor(this.#changed, 'change', 50, closed);
    await this.whenReady(Infinity, closed);
    closed.throwIfAborted();
  }

  #judge(error: unknown): Error {
    const refusal = judgeRefusal(error, this.address);
    // A full disk, unlike full memory, is nothing that consumers make room in.
    if (refusal instanceof NoRoom && refusal.message.includes('MISCONF'))
      warnWaiting(this.address, `${refusal.message}. Waiting until it does`);
    else if (refusal instanceof LinkLost && this.ready) this.#sayRefusing(refusal);
    return refusal;
  }

  /** Says that the server is away, if it stays so: what depends on it waits without an error. */
  #sayAway(): void {
    this.#away ??= setTimeout(() => {
      this.#away = undefined;
      if (!this.ready && this.client.status !== 'end')
        warnWaiting(this.address, `the ${this.address} is away (${errorMessage(this.#lastError)}). Waiting for it`);
    }, silentOutageMs).unref();
  }

  /** Says that the server is there and does not serve, if it stays so: a replica takes no writes, a long script holds it up. */
  #sayRefusing({ message }: LinkLost): void {
    const now = performance.now();
    this.#refusingSince ??= now;
    if (now - this.#refusingSince > silentOutageMs) warnWaiting(this.address, `the ${message}. Waiting until it serves again`);
  }

  close(): void {
    clearTimeout(this.#away);
    this.client.disconnect();
    this.#changed.dispatchEvent(new Event('change'));
  }
}
