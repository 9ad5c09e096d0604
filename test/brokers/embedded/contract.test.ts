import { brokerContract } from 'edgeflow/testing';
import { embeddedStore } from './harness.js';

// Each run takes a store of its own: `npm run contract` takes as many as it is told to.
brokerContract('EmbeddedBroker', { independentClients: true, processes: true, runs: 12, createStore: embeddedStore });
