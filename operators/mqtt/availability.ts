import type { MqttMessage } from './connection.js';

/** Messages that say whether a sink is connected. */
export interface AvailabilityMessages {
  readonly greetings: readonly MqttMessage[];
  readonly will?: MqttMessage;
  readonly farewell?: MqttMessage;
}

/** What is published when the connection is made, lost, and closed. */
export function availability(topic: string | undefined): AvailabilityMessages {
  if (topic === undefined) return { greetings: [] };
  const offline: MqttMessage = { topic, payload: 'offline', qos: 1, retain: true };
  return { greetings: [{ ...offline, payload: 'online' }], will: offline, farewell: offline };
}
