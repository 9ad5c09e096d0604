import type { MqttMessage } from '../mqtt/connection.js';

/** Something that Home Assistant shows, and how its state is made of a value. */
export interface HomeAssistantEntity<T> {
  /** `sensor` for numbers and text, `binary_sensor` for yes and no, `image` for a JPEG. */
  readonly component: 'sensor' | 'binary_sensor' | 'image';
  /** Shown behind the device's name. */
  readonly name: string;
  /** The state: a number or text, a boolean, or the bytes of a JPEG; undefined leaves it as it is. */
  readonly state: (value: T) => number | string | boolean | Uint8Array | undefined;
  /** Home Assistant's `device_class`, such as `motion`, `occupancy`, `temperature`. @defaultValue none */
  readonly deviceClass?: string;
  /** Unit of a sensor, such as `°C`. @defaultValue none */
  readonly unit?: string;
  /** `measurement` has Home Assistant keep statistics of a sensor. @defaultValue none */
  readonly stateClass?: 'measurement' | 'total' | 'total_increasing';
  /** Such as `mdi:walk`. @defaultValue that of the class */
  readonly icon?: string;
}

/** The device that the entities belong to. */
export interface HomeAssistantDevice {
  /** Stable and unique in the home: letters, digits, `_` and `-`. */
  readonly id: string;
  readonly name: string;
  readonly manufacturer?: string;
  readonly model?: string;
}

/** Topics of a device. */
export interface HomeAssistantTopics {
  readonly discoveryPrefix: string;
  /** Below it are `availability` and a topic for each entity. */
  readonly base: string;
}

/** Topic of an entity's state. */
export function stateTopic({ base }: HomeAssistantTopics, key: string): string {
  return `${base}/${key}`;
}

/**
 * The retained message by which Home Assistant finds an entity: `<prefix>/<component>/<unique id>/config`
 * (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).
 */
export function discoveryMessage(
  device: HomeAssistantDevice,
  key: string,
  entity: HomeAssistantEntity<never>,
  topics: HomeAssistantTopics,
): MqttMessage {
  const { component, name, deviceClass, unit, stateClass, icon } = entity;
  const uniqueId = `${device.id}_${key}`;
  const topic = stateTopic(topics, key);
  const config = {
    name,
    unique_id: uniqueId,
    ...(component === 'image' ? { image_topic: topic, content_type: 'image/jpeg' } : { state_topic: topic }),
    ...(component === 'binary_sensor' ? { payload_on: 'ON', payload_off: 'OFF' } : {}),
    device_class: deviceClass,
    unit_of_measurement: unit,
    state_class: stateClass,
    icon,
    availability_topic: `${topics.base}/availability`,
    payload_available: 'online',
    payload_not_available: 'offline',
    device: { identifiers: [device.id], name: device.name, manufacturer: device.manufacturer, model: device.model },
    origin: { name: 'EdgeFlow' },
  };
  return {
    topic: `${topics.discoveryPrefix}/${component}/${uniqueId}/config`,
    payload: JSON.stringify(config),
    qos: 1,
    retain: true,
  };
}
