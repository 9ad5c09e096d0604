export { brokerConformance } from './conformance/index.js';
export type { ConformanceOptions } from './conformance/index.js';
export { FaultProxy } from './faultProxy.js';
export type { CutOptions, FaultAddress, FaultDirection, FaultProxyOptions } from './faultProxy.js';
export { numbered, numberOf, until } from './harness.js';
export type { BrokerHarness, BrokerStore } from './harness.js';
