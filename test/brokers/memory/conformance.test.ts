import { brokerConformance } from 'edgeflow/testing';
import { MemoryBroker } from '#src/brokers/memory/memoryBroker.js';

brokerConformance('MemoryBroker', {
  independentClients: false,
  createStore: (options) => {
    const broker = new MemoryBroker(options);
    return Promise.resolve({ connect: () => Promise.resolve(broker), dispose: () => broker.close() });
  },
  runs: 200,
});
