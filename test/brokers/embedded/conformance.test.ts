import { brokerConformance } from 'edgeflow/testing';
import { embeddedStore } from './harness.js';

brokerConformance('EmbeddedBroker', { independentClients: true, createStore: embeddedStore });
brokerConformance("EmbeddedBroker, durability 'power'", {
  independentClients: true,
  createStore: (options) => embeddedStore({ ...options, durability: 'power' }),
  runs: 10,
});
