import type { Broker } from '../../brokers/broker.js';
import type { CommonBrokerOptions } from '../../brokers/options.js';
import type { BrokerHarness, BrokerStore } from '../harness.js';

/** Runs a test on an empty store and deletes it, however the test ends. */
export async function withStore(
  harness: BrokerHarness,
  run: (context: { readonly broker: Broker; readonly store: BrokerStore }) => Promise<void>,
  options?: CommonBrokerOptions,
): Promise<void> {
  const store = await harness.createStore(options);
  try {
    await run({ broker: await store.connect(), store });
  } finally {
    await store.dispose();
  }
}
