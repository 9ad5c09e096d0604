import { EdgeFlowError } from '../../errors.js';
import type { OutgoingMessage } from '../../message.js';
import { checkName } from '../../topic.js';
import type {
  AckResult,
  Broker,
  BrokerConfig,
  Commit,
  CommitResult,
  DeadLetter,
  DeadLetterOptions,
  DeliveredMessage,
  Failure,
  GroupConsumer,
  LatestMessage,
  MessageRange,
  PopLatestRequest,
  PopRequest,
  PushReceipt,
  RangeRequest,
  ResetOptions,
  SweepOptions,
  SweepResult,
  Ticket,
  TopicDeclaration,
  TopicStats,
  WaitOptions,
} from '../broker.js';
import {
  brokerClosed,
  brokerInUse,
  checkDeclaration,
  checkFailure,
  checkMessage,
  checkTake,
  defaultDedupeWindow,
  defaultMaxBytes,
  defaultVisibilityMs,
  fullLetters,
  replaceWithGroup,
} from '../options.js';
import type { CommonBrokerOptions } from '../options.js';
import { commands } from './command.js';
import { CommitLanes } from './commitLanes.js';
import { Connections } from './connections.js';
import type { ClientSettings } from './connections.js';
import { readDeadLetters, settleLetters } from './deadLetters.js';
import { dropGroup } from './dropGroup.js';
import { dropReader } from './dropReader.js';
import type { RedisAddress } from './endpoint.js';
import { GroupClient } from './groupClient.js';
import { resetAll, resetNamespace, sweepBlobs, topicNames } from './maintenance.js';
import { Publisher } from './publisher.js';
import { readRange } from './range.js';
import { ReaderClient } from './readerClient.js';
import { asBuffer } from './reply.js';
import type { Reply } from './reply.js';
import { parseTopicStats } from './topicStats.js';

/** Options of both Redis brokers. */
export interface RedisClientOptions extends CommonBrokerOptions {
  /** First part of all key names, and of the channels: an ACL user needs `~edgeflow:*` and `&edgeflow:*`. @defaultValue 'edgeflow' */
  readonly namespace?: string;
  /** Payloads of at most so many bytes travel with their id on the control plane. @defaultValue 4096 */
  readonly inlineBytes?: number;
}

/** The servers of a broker. */
export interface RedisServers {
  readonly control: RedisAddress;
  readonly data: RedisAddress;
  /** Stops servers that the broker started itself. */
  stop?(): Promise<void>;
}

/** What the brokers on one and on two servers share: all but where the servers are. */
export abstract class RedisBrokerBase implements Broker {
  abstract readonly kind: string;
  protected readonly settings: ClientSettings;
  readonly #closing = new AbortController();
  readonly #commits = new CommitLanes(
    () => this.#connections(),
    (topic, consumer, seq) => this.#groups.get(groupKey(topic, consumer))?.headOf(seq) ?? '',
  );
  readonly #publishers = new Map<string, Publisher>();
  readonly #groups = new Map<string, GroupClient>();
  readonly #readers = new Map<string, ReaderClient>();
  #opened: Promise<{ connections: Connections; servers: RedisServers }> | undefined;
  #closed: Promise<void> | undefined;

  constructor({ namespace = 'edgeflow', inlineBytes = 4096, visibilityMs, dedupeWindow }: RedisClientOptions) {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(namespace))
      throw new EdgeFlowError('BROKER_CONFIG', `namespace '${namespace}' is not usable: expected 1 to 64 letters, digits, '.', '_' or '-'`);
    if (!(inlineBytes >= 0)) throw new EdgeFlowError('BROKER_CONFIG', `inlineBytes is ${inlineBytes}; expected 0 or more bytes`);
    for (const [name, value] of Object.entries({ visibilityMs, dedupeWindow }))
      if (value !== undefined && !(value >= 1)) throw new EdgeFlowError('BROKER_CONFIG', `${name} is ${value}; expected 1 or more`);
    this.settings = {
      namespace,
      inlineBytes,
      visibilityMs: visibilityMs ?? defaultVisibilityMs,
      dedupeWindow: dedupeWindow ?? defaultDedupeWindow,
    };
  }

  /** Finds the servers, or starts them. */
  protected abstract servers(): Promise<RedisServers>;

  protected abstract configOf(servers: RedisServers): BrokerConfig;

  async open(): Promise<BrokerConfig> {
    return this.configOf((await this.#open()).servers);
  }

  async claim(): Promise<void> {
    const connections = await this.#connections();
    if (!(await connections.persist(() => connections.claimMain()))) throw brokerInUse(`the ${connections.control.address}`);
  }

  async declare(declaration: TopicDeclaration): Promise<void> {
    this.#checkOpen();
    checkDeclaration(declaration);
    const { topic, groups = [], readers = [], maxBytes, onFull, retain } = declaration;
    const connections = await this.#connections();
    const { keys } = connections;
    const retainMs = (retain?.seconds ?? Infinity) * 1_000;
    const retained = retain ? [retainMs === Infinity ? 'inf' : retainMs, retain.bytes ?? ''] : ['', ''];
    const values = [topic, maxBytes ?? '', onFull ?? '', defaultMaxBytes, ...retained, groups.length, ...groups, ...readers];
    const refused = await connections.persist(() =>
      connections.control.run(commands.declare, [keys.topic(topic), keys.trash, keys.topics], values),
    );
    const group = asBuffer(refused as Reply).toString();
    if (group !== '') throw replaceWithGroup(topic, group);
  }

  async push(topic: string, message: OutgoingMessage, { signal }: WaitOptions = {}): Promise<PushReceipt> {
    this.#checkOpen();
    checkName('topic', topic);
    checkMessage(topic, message);
    let publisher = this.#publishers.get(topic);
    if (!publisher) this.#publishers.set(topic, (publisher = new Publisher(topic, () => this.#connections())));
    return publisher.push(message, signal);
  }

  async pop(topic: string, request: PopRequest): Promise<DeliveredMessage[]> {
    checkTake(topic, request);
    const connections = await this.#connections();
    const client = this.#group(connections, topic, request);
    connections.heartbeat.add(topic, request);
    return client.pop(request);
  }

  async popLatest(topic: string, request: PopLatestRequest): Promise<LatestMessage | undefined> {
    checkName('topic', topic);
    checkName('reader', request.reader);
    checkName('consumer', request.consumer);
    checkTake(topic, request);
    const connections = await this.#connections();
    const key = `${topic}:${request.reader}:${request.consumer}`;
    let reader = this.#readers.get(key);
    if (!reader) this.#readers.set(key, (reader = new ReaderClient(topic, request, connections)));
    return reader.popLatest(request);
  }

  letGo(topic: string, reader: string, seqs: readonly number[], abandoned?: boolean): void {
    for (const [key, consumer] of this.#readers) if (key.startsWith(`${topic}:${reader}:`)) consumer.letGo(seqs, abandoned);
  }

  async range(topic: string, request?: RangeRequest): Promise<MessageRange> {
    checkName('topic', topic);
    const connections = await this.#connections();
    return connections.persist(() => readRange(connections, topic, request));
  }

  async ack(topic: string, consumer: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    if (tickets.length === 0) return { fenced: [] };
    return this.#group(await this.#connections(), topic, consumer).ack(tickets);
  }

  async commit(commit: Commit, { signal }: WaitOptions = {}): Promise<CommitResult> {
    this.#checkOpen();
    const { messages } = commit;
    const acks = commit.acks.filter(({ tickets }) => tickets.length > 0);
    for (const { topic, group, consumer } of acks) checkConsumer(topic, group, consumer);
    for (const { topic, message } of messages) {
      checkName('topic', topic);
      checkMessage(topic, message);
    }
    if (acks.length + messages.length === 0) return { committed: true, fenced: [] };
    const result = await this.#commits.commit({ acks, messages }, signal);
    const connections = await this.#connections();
    for (const { topic, group, consumer, tickets } of acks) {
      const taker = this.#group(connections, topic, { group, consumer });
      // What was not committed may be committed anew, with the same bytes.
      if (result.committed) taker.settled(tickets);
      else
        taker.lost(
          tickets.filter(({ seq, token }) => result.fenced.some((one) => one.topic === topic && one.seq === seq && one.token === token)),
        );
    }
    return result;
  }

  async nack(topic: string, consumer: GroupConsumer, ticket: Ticket, failure: Failure): Promise<boolean> {
    checkFailure(topic, failure);
    return this.#group(await this.#connections(), topic, consumer).nack(ticket, failure);
  }

  async release(topic: string, consumer: GroupConsumer, seqs?: readonly number[]): Promise<void> {
    return this.#group(await this.#connections(), topic, consumer).release(seqs);
  }

  async deadLetters(topic: string, options?: DeadLetterOptions): Promise<DeadLetter[]> {
    checkName('topic', topic);
    const connections = await this.#connections();
    return connections.persist(() => readDeadLetters(connections, topic, fullLetters(options)));
  }

  async redrive(topic: string, letters: readonly number[]): Promise<number> {
    checkName('topic', topic);
    return settleLetters(await this.#connections(), topic, letters, commands.redrive);
  }

  async dropDeadLetters(topic: string, letters: readonly number[]): Promise<number> {
    checkName('topic', topic);
    return settleLetters(await this.#connections(), topic, letters, commands.dropLetters);
  }

  async dropGroup(topic: string, group: string): Promise<number> {
    checkName('topic', topic);
    checkName('group', group);
    return dropGroup(await this.#connections(), topic, group);
  }

  async dropReader(topic: string, reader: string): Promise<void> {
    checkName('topic', topic);
    checkName('reader', reader);
    await dropReader(await this.#connections(), topic, reader);
  }

  async reset({ scope = 'all' }: ResetOptions = {}): Promise<void> {
    const connections = await this.#connections();
    await connections.blobs.settle();
    connections.heartbeat.clear();
    this.#groups.clear();
    this.#readers.clear();
    await connections.persist(() => (scope === 'namespace' ? resetNamespace(connections) : resetAll(connections)));
    connections.bell.ringAll();
    connections.polls.interruptAll();
  }

  async stats(): Promise<TopicStats[]> {
    const connections = await this.#connections();
    const { control, keys } = connections;
    return connections.persist(async () =>
      Promise.all(
        (await topicNames(connections)).map(async (name) =>
          parseTopicStats(name, await control.run(commands.stats, [keys.topic(name), keys.trash], [])),
        ),
      ),
    );
  }

  async sweep({ graceMs = 600_000 }: SweepOptions = {}): Promise<SweepResult> {
    const connections = await this.#connections();
    return connections.persist(() => sweepBlobs(connections, graceMs));
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#closing.abort(brokerClosed(this.kind));
    const opened = await this.#opened?.catch(() => undefined);
    if (!opened) return;
    const { connections, servers } = opened;
    connections.bell.ringAll();
    await Promise.race([connections.blobs.settle(), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
    connections.disconnect();
    await servers.stop?.();
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw brokerClosed(this.kind);
  }

  async #connections(): Promise<Connections> {
    return (await this.#open()).connections;
  }

  async #open(): Promise<{ connections: Connections; servers: RedisServers }> {
    this.#checkOpen();
    this.#opened ??= this.#start();
    try {
      const opened = await this.#opened;
      this.#checkOpen();
      return opened;
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }

  async #start(): Promise<{ connections: Connections; servers: RedisServers }> {
    const servers = await this.servers();
    try {
      const connections = await Connections.open(servers.control, servers.data, this.settings, this.#closing.signal);
      return { connections, servers };
    } catch (error) {
      await servers.stop?.();
      throw error;
    }
  }

  #group(connections: Connections, topic: string, consumer: GroupConsumer): GroupClient {
    checkConsumer(topic, consumer.group, consumer.consumer);
    const key = groupKey(topic, consumer);
    let client = this.#groups.get(key);
    if (!client)
      this.#groups.set(key, (client = new GroupClient(topic, { group: consumer.group, consumer: consumer.consumer }, connections)));
    return client;
  }
}

function groupKey(topic: string, { group, consumer }: GroupConsumer): string {
  return `${topic}:${group}:${consumer}`;
}

function checkConsumer(topic: string, group: string, consumer: string): void {
  checkName('topic', topic);
  checkName('group', group);
  // The scripts give a message that waits for redelivery the owner '', which must be nobody's name.
  checkName('consumer', consumer);
}
