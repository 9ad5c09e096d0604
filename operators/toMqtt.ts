import { EdgeFlowError } from 'edgeflow';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { checkAtLeast } from './checks.js';
import { jsonLine } from './log/jsonLine.js';
import { availability } from './mqtt/availability.js';
import type { MqttMessage } from './mqtt/connection.js';
import { checkConnection, checkMqttTopic, topicFault } from './mqtt/options.js';
import type { MqttConnectionOptions } from './mqtt/options.js';
import { mqttSink } from './mqtt/sink.js';

/** Options of {@link toMqtt}. */
export interface ToMqttOptions<T> extends MqttConnectionOptions {
  /** Where values are published: a topic, or one for each value. */
  readonly topic: string | ((value: T) => string);
  /** What of a value is published. @defaultValue the value as JSON, its bytes summarised as `{ "bytes": n }` */
  readonly payload?: (value: T) => string | Uint8Array;
  /** MQTT's quality of service: 0 may lose, 1 may double, 2 does neither while the broker remembers the session. @defaultValue 1 */
  readonly qos?: 0 | 1 | 2;
  /** Whether the broker keeps the last message for those who subscribe later. @defaultValue false */
  readonly retain?: boolean;
  /** Topic that holds `online` while this sink is connected, and `offline` otherwise. @defaultValue none */
  readonly availabilityTopic?: string;
  /** Messages on their way at once. @defaultValue 16 */
  readonly concurrency?: number;
}

/**
 * Publishes each value to an MQTT broker, and passes it on when the broker has taken it.
 *
 * ```
 * in      --a-----b-----c----|
 *         toMqtt({ url, topic: 'door/person' })
 * out     ---a-----b---------c|     c waits while the broker is down
 * broker  ---a-----b---xxxxxxc
 * ```
 *
 * With MQTT 5 a message carries the user property `message-id`, made of the delivered message's id: what is published again
 * after a crash has the same.
 *
 * - **Emits** each value, in order, when the broker has taken it (quality 1 and 2) or it is written to the socket (0).
 * - **Settles** when what is downstream is done with the value.
 * - **Waits** while the broker is down, and connects again; says so once, and once when it is back.
 * - **Fails** the delivery with `SINK_REFUSED` when the broker does not take the message, `SINK_UNREACHABLE` when `patienceMs`
 *   are over, `VALUE_INVALID` for a topic that is none, and with what `topic` or `payload` throws. Fails the stream with
 *   `SINK_REFUSED` when the broker refuses the first connection or one does not trust the other's certificate, and with `DEPENDENCY_MISSING` without the package `mqtt`.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * counts.pipe(toMqtt({ url: 'mqtt://10.0.0.2', topic: 'door/persons', retain: true })).subscribe();
 * ```
 */
export function toMqtt<T>(options: ToMqttOptions<T>): MonoTypeOperatorFunction<T> {
  const {
    topic,
    payload = (value: T): string => jsonLine(value).trimEnd(),
    qos = 1,
    retain = false,
    availabilityTopic,
    concurrency = 16,
  } = options;
  checkConnection('toMqtt', options);
  if (typeof topic !== 'function') checkMqttTopic('toMqtt', topic);
  if (availabilityTopic !== undefined) checkMqttTopic('toMqtt', availabilityTopic);
  if (![0, 1, 2].includes(qos)) throw new EdgeFlowError('OPTIONS_INVALID', `toMqtt: qos is ${String(qos)}; expected 0, 1 or 2`);
  checkAtLeast('toMqtt', 'concurrency', concurrency, 1);

  const messageOf = (value: T): MqttMessage => {
    const to = typeof topic === 'function' ? topic(value) : topic;
    const wrong = topicFault(to);
    if (wrong !== undefined) throw new EdgeFlowError('VALUE_INVALID', `toMqtt: ${wrong}`);
    const made = payload(value);
    return { topic: to, payload: typeof made === 'string' ? made : Buffer.from(made), qos, retain };
  };
  return mqttSink({ operator: 'toMqtt', connection: options, ...availability(availabilityTopic) }, concurrency, () => (value) => [
    messageOf(value),
  ]);
}
