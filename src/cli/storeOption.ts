import { basename, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Broker } from '../brokers/broker.js';
import { storedFormat } from '../brokers/embedded/directory.js';
import { EmbeddedBroker } from '../brokers/embedded/embeddedBroker.js';
import { findStores } from '../brokers/embedded/stores.js';
import { EdgeFlowError } from '../errors.js';
import { chooseBroker, parseBroker } from './brokerOption.js';
import type { BrokerKind } from './brokerOption.js';

/** Which stored messages a command is about. */
export interface StoreFlags {
  readonly system?: string;
  readonly directory?: string;
  readonly broker?: BrokerKind;
  readonly json?: boolean;
}

/** Adds the options that say which store a command looks into, and how it prints. */
export function addStoreOptions(command: Command): Command {
  return command
    .option('--system <name>', 'name of the System; may be left out where there is one')
    .option('--directory <directory>', 'folder of an embedded store that does not lie in its usual place')
    .addOption(
      new Option('--broker <kind>', 'embedded, or redis: the servers of EDGEFLOW_CONTROL_URL and EDGEFLOW_DATA_URL').argParser(parseBroker),
    )
    .option('--json', 'print JSON');
}

interface OpenedStore {
  readonly broker: Broker;
  /** Name of the System, as far as it is known. */
  readonly name: string;
}

/** Works on the broker of a System, whether it runs or not. Nothing is reset. */
export async function withBroker<R>(flags: StoreFlags, work: (broker: Broker, name: string) => Promise<R>): Promise<R> {
  const { broker, name } = openStore(flags);
  try {
    return await work(broker, name);
  } finally {
    await broker.close();
  }
}

function openStore({ system, directory, broker }: StoreFlags): OpenedStore {
  if (broker === 'redis') {
    if (!process.env.EDGEFLOW_CONTROL_URL)
      throw new EdgeFlowError('BROKER_CONFIG', 'EDGEFLOW_CONTROL_URL is not set: it names the Redis whose messages are meant');
    return { broker: chooseBroker('redis', system ?? '') ?? new EmbeddedBroker(), name: system ?? '' };
  }
  if (directory !== undefined) return { broker: openDirectory(resolve(directory)), name: system ?? basename(resolve(directory)) };
  const stores = findStores();
  const found = system === undefined ? stores : stores.filter(({ name }) => name === system);
  const [store] = found;
  if (store && found.length === 1) return { broker: openDirectory(store.directory), name: store.name };
  const known = stores.map(({ name }) => name).join(', ') || 'none';
  if (!store)
    throw new EdgeFlowError(
      'BROKER_CONFIG',
      `there is no store of a System${system === undefined ? '' : ` '${system}'`} on this host; there is: ${known}`,
    );
  throw new EdgeFlowError(
    'BROKER_CONFIG',
    `there are several stores on this host: ${found.map((other) => `${other.name} (${other.directory})`).join(', ')}; choose one with --system or --directory`,
  );
}

function openDirectory(directory: string): Broker {
  const format = storedFormat(directory);
  if (!format) throw new EdgeFlowError('BROKER_CONFIG', `'${directory}' holds no store of the embedded broker`);
  return new EmbeddedBroker({ directory, durability: format.durability });
}
