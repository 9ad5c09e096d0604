/**
 * Quality of service of one link.
 *
 * - `REALTIME`: latest value, exhaust-style. While one delivery is open, newer messages replace each other; when it
 *   settles the newest comes. Skipped messages are counted, never queued.
 * - `DURABLE`: every message, in order, acked. What fails is tried again, then dead-lettered; nothing is lost.
 */
export const QoS = { REALTIME: 'realtime', DURABLE: 'durable' } as const;
export type QoS = (typeof QoS)[keyof typeof QoS];
