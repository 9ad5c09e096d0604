import { brokerConformance } from 'edgeflow/testing';
import { memoryHarness } from './harness.js';

brokerConformance('MemoryBroker', memoryHarness());
