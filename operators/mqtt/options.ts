import { EdgeFlowError } from 'edgeflow';
import { checkAtLeast, checkNeeded } from '../checks.js';
import { redactUrl } from '../ffmpeg/redact.js';
import { checkPatience } from '../sinks/target.js';
import type { PatienceOptions } from '../sinks/target.js';

/** Certificates and keys in PEM, as `tls.connect` takes them. */
export interface MqttTlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  /** False takes any certificate, and anybody's broker with it. @defaultValue true */
  readonly rejectUnauthorized?: boolean;
}

/** How an MQTT broker is reached. */
export interface MqttConnectionOptions extends PatienceOptions {
  /** `mqtt://host`, `mqtts://host` (TLS), `ws://…` or `wss://…`; a port behind `:`. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Name of this client at the broker; two with one name drive each other out. @defaultValue random */
  readonly clientId?: string;
  /** Certificates and keys. @defaultValue the system's authorities */
  readonly tls?: MqttTlsOptions;
  /** 5, or 4 for a broker that knows MQTT 3.1.1 only. @defaultValue 5 */
  readonly protocolVersion?: 4 | 5;
  /** Time between attempts to connect, in milliseconds. @defaultValue 2000 */
  readonly reconnectMs?: number;
}

const protocols = ['mqtt:', 'mqtts:', 'ws:', 'wss:'];
const urlForm = 'one that begins with mqtt://, mqtts://, ws:// or wss://';

/** @throws EdgeFlowError `OPTIONS_INVALID` */
export function checkConnection(operator: string, options: MqttConnectionOptions): void {
  const { url, protocolVersion = 5, reconnectMs = 2_000, patienceMs = Infinity } = options;
  const fail = (what: string): never => {
    throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: ${what}`);
  };
  checkNeeded(operator, 'url', url, typeof url === 'string', urlForm);
  if (!URL.canParse(url) || !protocols.includes(new URL(url).protocol)) fail(`url is '${redactUrl(url)}'; expected ${urlForm}`);
  if (![4, 5].includes(protocolVersion)) fail(`protocolVersion is ${protocolVersion}; expected 4 or 5`);
  checkAtLeast(operator, 'reconnectMs', reconnectMs, 1);
  checkPatience(operator, patienceMs);
}

/** @throws EdgeFlowError `OPTIONS_INVALID` for a topic that nothing can be published to. */
export function checkMqttTopic(operator: string, topic: string): void {
  const wrong = topicFault(topic);
  if (wrong !== undefined) throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: ${wrong}`);
}

const mostTopicBytes = 65_535;

/** What is wrong with a topic; undefined where nothing is. */
export function topicFault(topic: unknown): string | undefined {
  if (typeof topic !== 'string' || topic === '') return 'the topic is empty; expected one such as home/door';
  if (/[+#\0]/.test(topic)) return `the topic is '${topic}'; expected one without +, # and NUL`;
  return Buffer.byteLength(topic) > mostTopicBytes ? 'the topic is longer than 65535 bytes' : undefined;
}
