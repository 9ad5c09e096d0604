import { brokerContract } from 'edgeflow/testing';
import { memoryHarness } from './harness.js';

brokerContract('MemoryBroker', memoryHarness());
