import type { MessagePort } from 'node:worker_threads';
import type { Broker, MessageRange } from '../../brokers/broker.js';
import { codeOf, errorMessage } from '../../errors.js';
import type { OutgoingMessage } from '../../message.js';
import { Packing } from './packing.js';
import { post } from './protocol.js';
import type { BrokerRequest } from './protocol.js';

type Call = Extract<BrokerRequest, { type: 'call' }>;

/** What results that hold messages look like. */
type Messages = OutgoingMessage | readonly OutgoingMessage[] | MessageRange | undefined;

/** How a broker is served. */
export interface ServeOptions {
  /** Whether what the broker hands out is this client's alone, so that its buffers may be handed over. */
  readonly exclusive: boolean;
}

/** Does for a thread, at the other end of a port, what its `PortBroker` is asked for. Ends with the port. */
export function serveBroker(broker: Broker, port: MessagePort, { exclusive }: ServeOptions): void {
  const waits = new Map<number, AbortController>();

  const answer = async (call: Call): Promise<void> => {
    const { id, method } = call;
    try {
      const value = await invoke(broker, call, waits);
      const packing = new Packing(exclusive);
      post(port, { id, value: holdsMessages(method) ? pack(packing, value as Messages) : value }, packing.transfer);
    } catch (error) {
      post(port, { id, error: { code: codeOf(error), message: errorMessage(error) } });
    } finally {
      waits.delete(id);
    }
  };
  port.on('message', (request: BrokerRequest) => {
    if (request.type === 'call') void answer(request);
    else waits.get(request.id)?.abort();
  });
}

/** Begins at once, so that calls keep their order. */
function invoke(broker: Broker, { id, method, args, signalAt }: Call, waits: Map<number, AbortController>): Promise<unknown> {
  const given = [...args];
  if (signalAt !== undefined) {
    const wait = new AbortController();
    waits.set(id, wait);
    given[signalAt] = { ...(given[signalAt] as object), signal: wait.signal };
  }
  // The arguments are those of the method: they were given to the same method of `PortBroker`.
  return (broker[method] as (...args: unknown[]) => Promise<unknown>).apply(broker, given);
}

function holdsMessages(method: Call['method']): boolean {
  return method === 'pop' || method === 'popLatest' || method === 'deadLetters' || method === 'range';
}

function pack(packing: Packing, value: Messages): Messages {
  if (value === undefined) return undefined;
  if ('messages' in value) return { ...value, messages: value.messages.map((message) => packing.message(message)) };
  return 'payload' in value ? packing.message(value) : value.map((message) => packing.message(message));
}
