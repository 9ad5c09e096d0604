import type { Broker } from '../brokers/broker.js';
import { runtime } from './runtime.js';

let embedded: Promise<Broker> | undefined;

/** The embedded broker that serves where none is named; loaded on first use, since it brings native code. */
async function openEmbedded(): Promise<Broker> {
  const { EmbeddedBroker } = await import('../brokers/embedded/embeddedBroker.js');
  return new EmbeddedBroker();
}

/** The broker of an operator: the one it was given, the process's, or the embedded one. */
export function brokerFor(given: Broker | undefined): Promise<Broker> {
  const named = given ?? runtime.broker;
  if (named) return Promise.resolve(named);
  return (embedded ??= openEmbedded());
}
