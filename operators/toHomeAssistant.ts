import { EdgeFlowError } from 'edgeflow';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { checkNeeded, isObject } from './checks.js';
import { discoveryMessage, stateTopic } from './homeAssistant/discovery.js';
import type { HomeAssistantDevice, HomeAssistantEntity, HomeAssistantTopics } from './homeAssistant/discovery.js';
import { availability } from './mqtt/availability.js';
import type { MqttMessage } from './mqtt/connection.js';
import { checkConnection, checkMqttTopic } from './mqtt/options.js';
import type { MqttConnectionOptions } from './mqtt/options.js';
import { mqttSink } from './mqtt/sink.js';

/** Options of {@link toHomeAssistant}. */
export interface ToHomeAssistantOptions<T> extends MqttConnectionOptions {
  /** The device that the entities belong to. */
  readonly device: HomeAssistantDevice;
  /** What is shown, by keys that stay the same: letters, digits and `_`. */
  readonly entities: Readonly<Record<string, HomeAssistantEntity<T>>>;
  /** Where Home Assistant looks for new devices. @defaultValue 'homeassistant' */
  readonly discoveryPrefix?: string;
  /** Topic above those of the states. @defaultValue 'edgeflow' */
  readonly topicPrefix?: string;
}

/**
 * Shows values as entities of Home Assistant, which finds them by itself, and passes each value on.
 *
 * ```
 * in      --a-----b-----c--|
 *         toHomeAssistant({ url, device, entities: { person } })
 * out     ---a-----b-----c-|
 * broker  dsA-----sB----sC--o    d: discovery, once a connection; o: offline
 * ```
 *
 * Discovery messages and states are retained, so that Home Assistant has them after a restart; entities are unavailable
 * while this sink is not connected. As documented at https://www.home-assistant.io/integrations/mqtt/.
 *
 * - **Emits** each value, in order, when the broker has taken the states that were made of it.
 * - **Settles** when what is downstream is done with the value.
 * - **Waits**, and **fails**, as `toMqtt` does; with `VALUE_INVALID` for a state that does not fit its entity.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * detections.pipe(toHomeAssistant({
 *   url: 'mqtt://homeassistant.local', device: { id: 'door', name: 'Door camera' },
 *   entities: { person: { component: 'binary_sensor', name: 'Person', deviceClass: 'occupancy', state: ({ objects }) => objects.length > 0 } },
 * })).subscribe();
 * ```
 */
export function toHomeAssistant<T>(options: ToHomeAssistantOptions<T>): MonoTypeOperatorFunction<T> {
  const { device, discoveryPrefix = 'homeassistant', topicPrefix = 'edgeflow' } = options;
  checkNeeded('toHomeAssistant', 'device', device, isObject(device), "an object such as { id: 'door', name: 'Front door' }");
  checkNeeded('toHomeAssistant', 'entities', options.entities, isObject(options.entities), 'an object of entities by their keys');
  const entities = Object.entries(options.entities);
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `toHomeAssistant: ${what}`);
  };
  checkConnection('toHomeAssistant', options);
  for (const prefix of [discoveryPrefix, topicPrefix]) checkMqttTopic('toHomeAssistant', prefix);
  if (!/^[\w-]{1,64}$/.test(device.id)) fail(`device.id is '${device.id}'; expected letters, digits, _ and -`);
  if (entities.length === 0) fail('entities is empty; expected at least one');
  for (const [key, { component }] of entities) {
    if (!/^\w{1,64}$/.test(key) || key === 'availability') fail(`there is an entity '${key}'; expected a key of letters, digits and _`);
    if (!['sensor', 'binary_sensor', 'image'].includes(component))
      fail(`the entity ${key} is a '${component}'; expected sensor, binary_sensor or image`);
  }

  const topics: HomeAssistantTopics = { discoveryPrefix, base: `${topicPrefix}/${device.id}` };
  const { greetings, ...ends } = availability(`${topics.base}/availability`);
  const found = entities.map(([key, entity]) => discoveryMessage(device, key, entity, topics));
  const settings = { operator: 'toHomeAssistant', connection: options, greetings: [...found, ...greetings], ...ends };
  return mqttSink(
    settings,
    16,
    () => (value) =>
      entities.flatMap(([key, entity]): MqttMessage[] => {
        const state = entity.state(value);
        return state === undefined
          ? []
          : [{ topic: stateTopic(topics, key), payload: payloadOf(key, entity, state), qos: 1, retain: true }];
      }),
  );
}

function payloadOf<T>(key: string, { component }: HomeAssistantEntity<T>, state: number | string | boolean | Uint8Array): string | Buffer {
  if (component === 'image' && state instanceof Uint8Array) return Buffer.from(state);
  if (component === 'binary_sensor' && typeof state === 'boolean') return state ? 'ON' : 'OFF';
  if (component === 'sensor' && (typeof state === 'string' || Number.isFinite(state))) return String(state);
  const expected = { image: 'the bytes of a JPEG', binary_sensor: 'true or false', sensor: 'a finite number or text' }[component];
  throw new EdgeFlowError('VALUE_INVALID', `toHomeAssistant: the state of ${key} is ${typeof state}; expected ${expected}`);
}
