import type { MessagePort } from 'node:worker_threads';
import type { Broker } from '../../brokers/broker.js';
import type { ErrorCode } from '../../errors.js';

/** What can be asked for through a port. To open and to close the broker is the main thread's. */
export type BrokerMethod = Exclude<keyof Broker, 'kind' | 'open' | 'close' | 'letGo'>;

/** What a thread asks of the broker in the main thread. */
export type BrokerRequest =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly method: BrokerMethod;
      readonly args: readonly unknown[];
      /** Which argument takes the signal that ends the wait. */
      readonly signalAt: number | undefined;
    }
  /** Ends the wait of a call. */
  | { readonly type: 'abort'; readonly id: number };

/** The answer to a call. */
export type BrokerReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: ErrorCode | undefined; readonly message: string } };

export function post(port: MessagePort, message: BrokerRequest | BrokerReply, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
