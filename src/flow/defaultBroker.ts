import type { Broker } from '../brokers/broker.js';
import { EmbeddedBroker } from '../brokers/embedded/embeddedBroker.js';
import { runtime } from './runtime.js';

let embedded: Broker | undefined;

/** The broker of an operator: the one it was given, the process's, or the embedded one. */
export function brokerFor(given: Broker | undefined): Broker {
  return given ?? runtime.broker ?? (embedded ??= new EmbeddedBroker());
}
