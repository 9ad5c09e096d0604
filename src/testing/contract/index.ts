import { describe, test } from 'vitest';
import type { BrokerHarness } from '../harness.js';
import { integrity } from './integrity.js';
import { bounded, counted, dangling, fresh, isolated, monotone } from './latest.js';
import { noLoss, redelivery, resume } from './loss.js';
import { effectivelyOnce, fencing, publishOnce } from './once.js';
import { poison, strictOrder } from './order.js';
import { applies, prove } from './prove.js';
import type { ContractLine } from './prove.js';
import { backPressure, reclaimed, retained } from './retention.js';

/** Every line of the contract. */
export const contract: readonly ContractLine[] = [
  noLoss,
  publishOnce,
  effectivelyOnce,
  redelivery,
  fencing,
  strictOrder,
  poison,
  retained,
  reclaimed,
  backPressure,
  resume,
  integrity,
  monotone,
  fresh,
  counted,
  bounded,
  isolated,
  dangling,
];

/**
 * Registers the contract, D1 to D12 and R1 to R6, as property tests of one kind of broker: call it in a vitest file.
 *
 * @example
 * ```ts
 * brokerContract('MyBroker', {
 *   independentClients: false,
 *   runs: 10,
 *   createStore: (options) => {
 *     const broker = new MemoryBroker(options); // yours in its place
 *     return Promise.resolve({ connect: () => Promise.resolve(broker), dispose: () => broker.close() });
 *   },
 * });
 * ```
 */
export function brokerContract(name: string, harness: BrokerHarness): void {
  describe(`${name}: the contract`, () => {
    for (const line of contract)
      test.runIf(applies(line, harness))(`${line.name} ${line.statement}`, () => prove(line, harness, name), 600_000);
  });
}
