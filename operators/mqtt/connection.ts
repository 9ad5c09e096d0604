import { afterMs, EdgeFlowError } from 'edgeflow';
import type { MqttClient } from 'mqtt';
import type { Subscription } from 'rxjs';
import { redact, redactUrl } from '../ffmpeg/redact.js';
import { loadPackage } from '../packages.js';
import { networkReason } from '../sinks/network.js';
import { Target } from '../sinks/target.js';
import { distrustOf } from './distrust.js';
import type { MqttConnectionOptions } from './options.js';

/** What is published. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Sent as user property `message-id`, by which a receiver knows a message that comes again. MQTT 5 only. */
  readonly id?: string | undefined;
}

/** Options of an {@link MqttConnection}. */
export interface MqttConnectionSettings {
  readonly operator: string;
  readonly connection: MqttConnectionOptions;
  /** Published, retained, whenever a connection is made. */
  readonly greetings: readonly MqttMessage[];
  /** Published by the broker when the connection is lost. */
  readonly will?: MqttMessage | undefined;
  /** Published before a connection is closed on purpose. */
  readonly farewell?: MqttMessage | undefined;
  /** Told what no waiting mends: a missing package, and a broker that refuses the very first connection. */
  readonly onHopeless: (error: unknown) => void;
}

/** CONNACK codes of MQTT 3.1.1 and 5 for credentials, client names and protocols that the broker does not take. */
const refusals: ReadonlySet<number> = new Set([1, 2, 4, 5, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c]);

/** A connection to an MQTT broker that comes back by itself. */
export class MqttConnection {
  readonly #settings: MqttConnectionSettings;
  readonly #target: Target;
  readonly #label: string;
  #client: Promise<MqttClient> | undefined;
  #closed = false;
  #greet: () => void = () => undefined;
  /** Resolves when the first connection is made and the greetings are sent: they come before anything else. */
  readonly #greeted = new Promise<void>((resolve) => (this.#greet = resolve));

  constructor(settings: MqttConnectionSettings) {
    const { operator, connection } = settings;
    const { patienceMs = Infinity } = connection;
    this.#settings = settings;
    this.#label = redactUrl(connection.url);
    this.#target = new Target({ operator, label: this.#label, patienceMs, code: 'SINK_UNREACHABLE' });
  }

  /** Connects, so that the first message finds the connection made. */
  open(): void {
    this.#connected().catch(this.#settings.onHopeless);
  }

  /** Resolves when the broker has taken the message: for quality 1 and 2 when it said so, across reconnects. */
  async publish(message: MqttMessage): Promise<void> {
    const client = await this.#connected();
    const { patienceMs = Infinity } = this.#settings.connection;
    let timer: Subscription | undefined;
    const impatience = new Promise<never>((_, reject) => {
      timer = afterMs(patienceMs, () => reject(this.#target.givenUp('no connection')));
    });
    try {
      await Promise.race([this.#greeted.then(() => this.#send(client, message)), impatience]);
    } finally {
      timer?.unsubscribe();
    }
  }

  async close(force: boolean): Promise<void> {
    if (this.#closed || !this.#client) return;
    this.#closed = true;
    const client = await this.#client;
    const { farewell } = this.#settings;
    if (farewell && client.connected) await this.#send(client, { ...farewell, qos: 0 });
    await client.endAsync(force || !client.connected);
  }

  #send(client: MqttClient, { topic, payload, qos, retain, id }: MqttMessage): Promise<void> {
    const { protocolVersion = 5 } = this.#settings.connection;
    const properties = id !== undefined && protocolVersion === 5 ? { properties: { userProperties: { 'message-id': id } } } : {};
    return client.publishAsync(topic, payload, { qos, retain, ...properties }).then(
      () => undefined,
      (error: unknown) => {
        const { operator } = this.#settings;
        throw new EdgeFlowError('SINK_REFUSED', `${operator}: ${this.#label} did not take a message for ${topic}: ${errorText(error)}`, {
          cause: error,
        });
      },
    );
  }

  #refuse(why: string): void {
    this.#settings.onHopeless(new EdgeFlowError('SINK_REFUSED', `${this.#settings.operator}: ${this.#label}: ${why}`));
  }

  #connected(): Promise<MqttClient> {
    return (this.#client ??= this.#connect());
  }

  async #connect(): Promise<MqttClient> {
    const { operator, connection, greetings, will } = this.#settings;
    const { username, password, clientId, tls, protocolVersion = 5, reconnectMs = 2_000 } = connection;
    const { default: mqtt } = await loadPackage('mqtt', operator, () => import('mqtt'));
    const client = mqtt.connect(connection.url, {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(clientId === undefined ? {} : { clientId }),
      ...(will ? { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: will.qos, retain: will.retain } } : {}),
      ...tls,
      protocolVersion,
      reconnectPeriod: reconnectMs,
      reconnectOnConnackError: true,
    });
    let everConnected = false;
    client.on('connect', () => {
      everConnected = true;
      this.#target.up();
      for (const greeting of greetings) this.#send(client, greeting).catch((error: unknown) => this.#target.down(errorText(error)));
      this.#greet();
    });
    client.on('close', () => {
      if (!this.#closed && everConnected) this.#target.down('the connection was lost');
    });
    client.on('error', (error: Error & { code?: unknown }) => {
      const distrust = distrustOf(error.code);
      const reason = distrust ?? networkReason(error) ?? redact(error.message);
      this.#target.down(reason);
      if (everConnected) return;
      if (distrust !== undefined) this.#refuse(distrust);
      else if (typeof error.code === 'number' && refusals.has(error.code))
        this.#refuse(`it refused the connection: ${reason}; look at username, password, protocolVersion`);
    });
    if (this.#closed) client.end(true);
    return client;
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
