import { brokerContract } from 'edgeflow/testing';
import { embeddedStore } from './harness.js';

brokerContract('EmbeddedBroker', { independentClients: true, processes: true, createStore: embeddedStore });
