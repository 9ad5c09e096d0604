export { brokerConformance } from './conformance/index.js';
export type { ConformanceOptions } from './conformance/index.js';
export { brokerContract } from './contract/index.js';
export { numbered, numberOf, until } from './harness.js';
export type { BrokerHarness, BrokerStore } from './harness.js';
