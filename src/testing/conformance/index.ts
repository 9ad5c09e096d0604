import { describe } from 'vitest';
import type { BrokerHarness } from '../harness.js';
import { commitConformance } from './commit.js';
import { deadLetterConformance } from './deadLetters.js';
import { durableConformance } from './durable.js';
import { hindsightConformance } from './hindsight.js';
import { interleavingConformance } from './interleavings.js';
import { lifecycleConformance } from './lifecycle.js';
import { modelConformance } from './model.js';
import { realtimeConformance } from './realtime.js';
import { retentionConformance } from './retention.js';

/** Options of {@link brokerConformance}. */
export interface ConformanceOptions {
  /** Whether the harness's stores can kill and restart their servers. @defaultValue false */
  readonly restarts?: boolean;
}

/**
 * Registers the conformance suite for one kind of broker: call it in a vitest file.
 *
 * @example
 * ```ts
 * brokerConformance('MyBroker', {
 *   independentClients: false,
 *   createStore: (options) => {
 *     const broker = new MemoryBroker(options); // yours in its place
 *     return Promise.resolve({ connect: () => Promise.resolve(broker), dispose: () => broker.close() });
 *   },
 * });
 * ```
 */
export function brokerConformance(name: string, harness: BrokerHarness, { restarts = false }: ConformanceOptions = {}): void {
  describe(name, () => {
    describe('DURABLE', () => {
      durableConformance(harness);
    });
    describe('REALTIME', () => {
      realtimeConformance(harness);
    });
    describe('commit', () => {
      commitConformance(harness);
    });
    describe('dead letters', () => {
      deadLetterConformance(harness);
    });
    describe('retention', () => {
      retentionConformance(harness);
    });
    describe('hindsight', () => {
      hindsightConformance(harness);
    });
    describe('life cycle', () => {
      lifecycleConformance(harness, restarts);
    });
    describe('model', () => {
      modelConformance(harness);
      interleavingConformance(harness);
    });
  });
}
