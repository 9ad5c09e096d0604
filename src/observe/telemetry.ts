import type { DeliveryStart, DeliveryWatch } from './deliveries.js';

/** Makes spans of what a node does. */
export interface Telemetry {
  /** A span of a delivery, under that of what its message came from. */
  delivery(start: DeliveryStart): DeliveryWatch;
  /** A span of a publication that answers no delivery. @returns its W3C trace context. */
  publication(topic: string, id: string): string;
}
