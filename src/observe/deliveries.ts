import type { ReceivedMessage } from '../message.js';
import type { QoS } from '../qos.js';

/** Where a delivery comes from, and when its message was received, in milliseconds since the epoch. */
export interface DeliveryStart {
  readonly link: { readonly topic: string; readonly qos: QoS };
  readonly message: ReceivedMessage;
  readonly received: number;
  readonly started: number;
}

/** Follows one delivery. */
export interface DeliveryWatch {
  /** W3C trace context that the messages in answer to the delivery carry. */
  readonly traceparent?: string | undefined;
  /** Hands the value to the pipeline, within whatever surroundings. */
  readonly run?: ((emit: () => void) => void) | undefined;
  /** The pipeline is done with it. */
  ended(failed: { readonly error: unknown } | undefined): void;
}
