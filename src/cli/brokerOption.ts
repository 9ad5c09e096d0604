import { InvalidArgumentError } from 'commander';
import type { Broker } from '../brokers/broker.js';
import { EmbeddedBroker } from '../brokers/embedded/embeddedBroker.js';
import { DualRedisBroker } from '../brokers/redis/redisBroker.js';
import { EdgeFlowError } from '../errors.js';

export type BrokerKind = 'embedded' | 'redis';

/** Reads `--broker`. Addresses come from the environment, not from the command line, which every user can read. */
export function parseBroker(text: string): BrokerKind {
  if (text === 'embedded' || text === 'redis') return text;
  throw new InvalidArgumentError(
    'expected embedded, or redis: the servers of EDGEFLOW_CONTROL_URL and EDGEFLOW_DATA_URL, or else a pair of its own.',
  );
}

/** The broker that was asked for; undefined leaves the choice to the system. */
export function chooseBroker(kind: BrokerKind | undefined, name: string): Broker | undefined {
  if (kind === undefined) return undefined;
  if (kind === 'embedded') return new EmbeddedBroker({ name });
  const { EDGEFLOW_CONTROL_URL: control, EDGEFLOW_DATA_URL: data } = process.env;
  if (data && !control)
    throw new EdgeFlowError(
      'BROKER_CONFIG',
      'EDGEFLOW_DATA_URL is set, but EDGEFLOW_CONTROL_URL is not: set both, or the control server alone',
    );
  return control ? new DualRedisBroker({ control, data: data ?? control }) : DualRedisBroker.local();
}
