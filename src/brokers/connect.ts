import { EdgeFlowError } from '../errors.js';
import type { Broker, BrokerConfig } from './broker.js';

/**
 * Makes a client of the broker that `open()` of another process described.
 *
 * @throws EdgeFlowError `BROKER_CONFIG` for a kind that this version does not know.
 */
export async function connectBroker(config: BrokerConfig): Promise<Broker> {
  switch (config.kind) {
    case 'embedded': {
      const { connectEmbeddedBroker } = await import('./embedded/embeddedBroker.js');
      return connectEmbeddedBroker(config);
    }
    case 'redis':
    case 'dual-redis': {
      const { connectRedisBroker } = await import('./redis/connect.js');
      return connectRedisBroker(config);
    }
    default:
      throw new EdgeFlowError('BROKER_CONFIG', `broker kind '${config.kind}' is unknown; expected embedded, redis or dual-redis`);
  }
}
