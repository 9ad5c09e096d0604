import type { BrokerHarness } from 'edgeflow/testing';
import { MemoryBroker } from '#src/brokers/memory/memoryBroker.js';
import type { MemoryBrokerOptions } from '#src/brokers/memory/memoryBroker.js';

/** Stores of the memory broker, or of a class that is derived from it. */
export function memoryHarness(
  Class: new (options?: MemoryBrokerOptions) => MemoryBroker = MemoryBroker,
  settings: Pick<BrokerHarness, 'runs' | 'patienceMs'> = { runs: 200 },
): BrokerHarness {
  return {
    ...settings,
    independentClients: false,
    createStore: (options) => {
      const broker = new Class(options);
      return Promise.resolve({ connect: () => Promise.resolve(broker), dispose: () => broker.close() });
    },
  };
}
