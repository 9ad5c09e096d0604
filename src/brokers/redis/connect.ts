import { EdgeFlowError } from '../../errors.js';
import type { Broker, BrokerConfig } from '../broker.js';
import { DualRedisBroker, RedisBroker } from './redisBroker.js';

/** Makes a client from what `open()` of another process returned. */
export function connectRedisBroker({ kind, options }: BrokerConfig): Broker {
  if (kind === 'dual-redis') return new DualRedisBroker(options);
  if (kind === 'redis') return new RedisBroker(options);
  throw new EdgeFlowError('BROKER_CONFIG', `a configuration of kind '${kind}' is not of a Redis broker; expected 'dual-redis' or 'redis'`);
}
