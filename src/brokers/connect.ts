import { EdgeFlowError } from '../errors.js';
import type { Broker, BrokerConfig } from './broker.js';
import { connectEmbeddedBroker } from './embedded/embeddedBroker.js';
import { connectRedisBroker } from './redis/connect.js';

/**
 * Makes a client of the broker that `open()` of another process described.
 *
 * @throws EdgeFlowError `BROKER_CONFIG` for a kind that this version does not know.
 * @example
 * ```ts
 * const config = await new EmbeddedBroker({ name: 'doorbell' }).open();
 * // In another process, which got the config:
 * const broker = await connectBroker(config);
 * console.log(await broker.stats());
 * ```
 */
export async function connectBroker(config: BrokerConfig): Promise<Broker> {
  switch (config.kind) {
    case 'embedded':
      return connectEmbeddedBroker(config);
    case 'redis':
    case 'dual-redis':
      return connectRedisBroker(config);
    default:
      throw new EdgeFlowError('BROKER_CONFIG', `broker kind '${config.kind}' is unknown; expected embedded, redis or dual-redis`);
  }
}
