import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { deferred } from '../deferred.js';
import type { Deferred } from '../deferred.js';
import { FaultPipe } from './faultPipe.js';
import type { PipeRules } from './faultPipe.js';

/** Where a server listens: a TCP port, or the path of a unix socket. */
export type FaultAddress = { readonly host?: string; readonly port: number } | { readonly path: string };

/** Which way bytes go: `toClient` are replies, `toServer` are requests. */
export type FaultDirection = 'toClient' | 'toServer';

/** Options of {@link FaultProxy.start}. */
export interface FaultProxyOptions {
  /** Where the proxy listens. @defaultValue a free port of 127.0.0.1 */
  readonly listen?: FaultAddress;
}

/** Options of {@link FaultProxy.cutAfter}. */
export interface CutOptions {
  /** Bytes that still pass. */
  readonly bytes: number;
  readonly direction: FaultDirection;
}

interface Link {
  readonly client: Socket;
  /** Undefined where the client was never connected with the server. */
  readonly server: Socket | undefined;
  /** Nothing passes, for good. */
  stalled: boolean;
}

/**
 * A proxy that makes the faults of a network: put it between a client and a server, and let connections be slow, break in
 * the middle of a reply, hang, or be refused. What it does may be changed at any time, also for connections that are open.
 *
 * Lasting, until another of these is called: {@link normal}, {@link delay}, {@link blackhole}, {@link refuse}.
 * Once, to the connections that are open: {@link drop}, {@link halfOpen}, {@link cutAfter}.
 *
 * @example
 * ```ts
 * const proxy = await FaultProxy.start({ port: 6379 });
 * const broker = new RedisBroker({ server: proxy.address });
 * const cut = proxy.cutAfter({ bytes: 10, direction: 'toClient' });
 * console.log(await broker.push('t', message)); // resolves, although its reply was cut and it had to be sent again
 * await cut;
 * await proxy.close();
 * ```
 */
export class FaultProxy {
  readonly #target: FaultAddress;
  /** Those whose client has not gone. */
  readonly #links = new Set<Link>();
  /** Servers' sides of connections that hang: they outlive the client's. */
  readonly #orphans = new Set<Socket>();
  #address: FaultAddress;
  #listener: Server | undefined;
  #changing: Promise<void> = Promise.resolve();
  #delayMs = 0;
  #swallows = false;
  #cut: (CutOptions & { left: number; readonly done: Deferred<boolean> }) | undefined;
  #accepted = 0;
  #closed = false;

  private constructor(target: FaultAddress, listen: FaultAddress) {
    this.#target = target;
    this.#address = listen;
  }

  /**
   * Starts a proxy in front of a server, which need not run yet.
   *
   * @throws Error of `node:net` when it can't listen.
   */
  static async start(target: FaultAddress, { listen = { host: '127.0.0.1', port: 0 } }: FaultProxyOptions = {}): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, listen);
    await proxy.#listen();
    return proxy;
  }

  /** Where clients connect; stays the same for the life of the proxy. */
  get address(): FaultAddress {
    return this.#address;
  }

  /** Connections that are open on the client's side. */
  get connections(): number {
    return this.#links.size;
  }

  /** Connections that were ever accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Lets all pass. Connections that {@link halfOpen} or {@link blackhole} made hang stay so. */
  normal(): Promise<void> {
    return this.#become({ listens: true });
  }

  /** Holds all bytes back for so long, in both directions; their order stays. */
  delay(ms: number): Promise<void> {
    return this.#become({ listens: true, delayMs: ms });
  }

  /** Goes on accepting connections, and swallows what comes on these and on the open ones. Nothing is closed. */
  blackhole(): Promise<void> {
    this.halfOpen();
    return this.#become({ listens: true, swallows: true });
  }

  /** Refuses new connections; open ones go on. */
  refuse(): Promise<void> {
    return this.#become({ listens: false });
  }

  /** Breaks all open connections at once, on both sides; by a reset, where there is one. */
  drop(): void {
    for (const { client, server } of [...this.#links]) {
      reset(client);
      if (server) reset(server);
    }
    for (const server of this.#orphans) reset(server);
  }

  /**
   * Makes the open connections hang for good, as when a host or a router is gone: nothing passes, and neither side is told
   * that the other closed. New connections are not concerned.
   */
  halfOpen(): void {
    for (const link of this.#links) link.stalled = true;
  }

  /**
   * Breaks one connection after so many bytes more in one direction, counted over all connections: in the middle of a reply or
   * a request. What came before still arrives. Takes the place of a cut that has not happened yet.
   *
   * @returns a promise that resolves to true when the connection was cut, to false when the cut was taken back.
   */
  cutAfter(options: CutOptions): Promise<boolean> {
    this.cancelCut();
    const done = deferred<boolean>();
    this.#cut = { ...options, left: options.bytes, done };
    return done.promise;
  }

  /** Takes a {@link cutAfter} back that has not happened yet. */
  cancelCut(): void {
    this.#cut?.done.resolve(false);
    this.#cut = undefined;
  }

  /** Breaks all connections and stops listening. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.cancelCut();
    this.drop();
    await this.#become({ listens: false });
  }

  #become({
    listens,
    delayMs = 0,
    swallows = false,
  }: {
    readonly listens: boolean;
    readonly delayMs?: number;
    readonly swallows?: boolean;
  }): Promise<void> {
    this.#delayMs = delayMs;
    this.#swallows = swallows;
    // One after the other: a port must not be opened while it is being closed.
    const change = this.#changing.then(() => (listens && !this.#closed ? this.#listen() : this.#unlisten()));
    this.#changing = change.catch(() => undefined);
    return change;
  }

  async #listen(): Promise<void> {
    if (this.#listener) return;
    const listener = createServer({ allowHalfOpen: true }, (client) => {
      this.#accept(client);
    });
    listener.listen(this.#address);
    await once(listener, 'listening');
    this.#listener = listener;
    const bound = listener.address();
    if (bound !== null && typeof bound === 'object') this.#address = { host: bound.address, port: bound.port };
  }

  #unlisten(): void {
    // It stops to listen at once; its callback would wait for the open connections, which go on.
    this.#listener?.close();
    this.#listener = undefined;
  }

  #accept(client: Socket): void {
    this.#accepted++;
    const server = this.#swallows ? undefined : connect({ ...this.#target, allowHalfOpen: true });
    const link: Link = { client, server, stalled: this.#swallows };
    this.#links.add(link);
    const pipes = server
      ? [new FaultPipe(client, server, this.#rules(link, 'toServer')), new FaultPipe(server, client, this.#rules(link, 'toClient'))]
      : [];
    if (!server) client.resume();
    const watch = (socket: Socket, other: Socket | undefined): void => {
      // An error is followed by the end of the connection, and that is passed on.
      socket.on('error', () => undefined);
      socket.once('end', () => link.stalled && socket.destroy());
      socket.once('close', () => {
        this.#orphans.delete(socket);
        if (socket === client) this.#links.delete(link);
        if (!other) return;
        if (!link.stalled) hangUp(other, pipes);
        else if (socket === client && !other.destroyed) this.#orphans.add(other);
      });
    };
    watch(client, server);
    if (server) watch(server, client);
  }

  #rules(link: Link, direction: FaultDirection): PipeRules {
    return {
      delayMs: () => this.#delayMs,
      stalled: () => link.stalled,
      cut: (count) => {
        const cut = this.#cut;
        if (cut?.direction !== direction) return undefined;
        if (count < cut.left) {
          cut.left -= count;
          return undefined;
        }
        this.#cut = undefined;
        const then = (): void => {
          link.client.destroy();
          link.server?.destroy();
          cut.done.resolve(true);
        };
        return { bytes: cut.left, then };
      },
    };
  }
}

/** Ends one side after the other has ended. */
function hangUp(socket: Socket, pipes: readonly FaultPipe[]): void {
  for (const pipe of pipes) pipe.close();
  // After an orderly end what is on its way still arrives.
  if (socket.writableEnded) socket.destroySoon();
  else reset(socket);
}

/** A unix socket knows no reset. */
function reset(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
