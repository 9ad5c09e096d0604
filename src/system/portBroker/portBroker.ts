import type { MessagePort } from 'node:worker_threads';
import type {
  AckResult,
  Broker,
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
} from '../../brokers/broker.js';
import { brokerClosed } from '../../brokers/options.js';
import { EdgeFlowError } from '../../errors.js';
import type { OutgoingMessage } from '../../message.js';
import { Packing } from './packing.js';
import { post } from './protocol.js';
import type { BrokerMethod, BrokerReply } from './protocol.js';

interface Waiting {
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface CallOptions extends WaitOptions {
  /** Which argument takes the signal. */
  readonly signalAt?: number;
  readonly transfer?: readonly ArrayBuffer[];
}

/** The broker client that a thread has in the main thread, at the other end of a port: see `serveBroker`. */
export class PortBroker implements Broker {
  readonly kind = 'port';
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #closed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (reply: BrokerReply) => {
      this.#answered(reply);
    });
  }

  async open(): Promise<undefined> {
    if (this.#closed) throw brokerClosed(this.kind);
    return Promise.resolve(undefined);
  }

  claim(): Promise<void> {
    return this.#call('claim', []);
  }

  declare(declaration: TopicDeclaration): Promise<void> {
    return this.#call('declare', [declaration]);
  }

  push(topic: string, message: OutgoingMessage, { signal }: WaitOptions = {}): Promise<PushReceipt> {
    const packing = new Packing(false);
    return this.#call('push', [topic, packing.message(message), {}], { signal, signalAt: 2, transfer: packing.transfer });
  }

  /** Payloads come as copies, whatever is asked for: they have to cross to this thread. */
  pop(topic: string, { signal, ...request }: PopRequest): Promise<DeliveredMessage[]> {
    return this.#call('pop', [topic, { ...request, inPlace: false }], { signal, signalAt: 1 });
  }

  popLatest(topic: string, { signal, ...request }: PopLatestRequest): Promise<LatestMessage | undefined> {
    return this.#call('popLatest', [topic, { ...request, inPlace: false }], { signal, signalAt: 1 });
  }

  range(topic: string, request?: RangeRequest): Promise<MessageRange> {
    return this.#call('range', [topic, request]);
  }

  ack(topic: string, { group, consumer }: GroupConsumer, tickets: readonly Ticket[]): Promise<AckResult> {
    return this.#call('ack', [topic, { group, consumer }, tickets]);
  }

  commit({ acks, messages }: Commit, { signal }: WaitOptions = {}): Promise<CommitResult> {
    const packing = new Packing(false);
    const packed = messages.map(({ topic, message }) => ({ topic, message: packing.message(message) }));
    return this.#call('commit', [{ acks, messages: packed }, {}], { signal, signalAt: 1, transfer: packing.transfer });
  }

  nack(topic: string, { group, consumer }: GroupConsumer, { seq, token }: Ticket, failure: Failure): Promise<boolean> {
    return this.#call('nack', [topic, { group, consumer }, { seq, token }, failure]);
  }

  release(topic: string, { group, consumer }: GroupConsumer, seqs?: readonly number[]): Promise<void> {
    return this.#call('release', [topic, { group, consumer }, seqs]);
  }

  deadLetters(topic: string, options?: DeadLetterOptions): Promise<DeadLetter[]> {
    return this.#call('deadLetters', [topic, options]);
  }

  redrive(topic: string, letters: readonly number[]): Promise<number> {
    return this.#call('redrive', [topic, letters]);
  }

  dropDeadLetters(topic: string, letters: readonly number[]): Promise<number> {
    return this.#call('dropDeadLetters', [topic, letters]);
  }

  dropGroup(topic: string, group: string): Promise<number> {
    return this.#call('dropGroup', [topic, group]);
  }

  dropReader(topic: string, reader: string): Promise<void> {
    return this.#call('dropReader', [topic, reader]);
  }

  reset(options?: ResetOptions): Promise<void> {
    return this.#call('reset', [options]);
  }

  stats(): Promise<TopicStats[]> {
    return this.#call('stats', []);
  }

  sweep(options?: SweepOptions): Promise<SweepResult> {
    return this.#call('sweep', [options]);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#port.close();
    for (const { reject } of this.#waiting.values()) reject(brokerClosed(this.kind));
    this.#waiting.clear();
    return Promise.resolve();
  }

  async #call<R>(method: BrokerMethod, args: readonly unknown[], options: CallOptions = {}): Promise<R> {
    const { signal, signalAt, transfer } = options;
    if (this.#closed) throw brokerClosed(this.kind);
    const id = ++this.#calls;
    const abort = (): void => {
      post(this.#port, { type: 'abort', id });
    };
    signal?.addEventListener('abort', abort);
    try {
      return (await new Promise<unknown>((resolve, reject) => {
        this.#waiting.set(id, { signal, resolve, reject });
        post(this.#port, { type: 'call', id, method, args, signalAt: signal && signalAt }, transfer);
        if (signal?.aborted) abort();
      })) as R;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#waiting.delete(id);
    }
  }

  #answered(reply: BrokerReply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if ('value' in reply) {
      waiting.resolve(reply.value);
      return;
    }
    const { code, message } = reply.error;
    if (code !== undefined) waiting.reject(new EdgeFlowError(code, message));
    else waiting.reject(waiting.signal?.aborted ? waiting.signal.reason : new Error(message));
  }
}
