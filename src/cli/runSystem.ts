import { resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { EdgeFlowError } from '../errors.js';
import { formatLedger } from '../observe/ledger.js';
import { loadModule, wrongDefault } from '../system/loadModule.js';
import type { RunOptions } from '../system/runningSystem.js';
import { System } from '../system/system.js';
import { chooseBroker } from './brokerOption.js';
import type { BrokerKind } from './brokerOption.js';
import { LiveTable } from './liveTable.js';

/** What `run` and `demo` take from the command line. */
export interface RunFlags {
  readonly broker?: BrokerKind;
  /** Milliseconds after which the system is stopped. */
  readonly for?: number;
  readonly resume?: boolean;
  readonly reset?: boolean | 'namespace';
  readonly table: boolean;
}

/** Imports an entry module and takes the System that it default-exports. */
async function loadSystem(entry: string): Promise<System> {
  if (!existsSync(entry))
    throw new EdgeFlowError('NODE_MODULE_MISSING', `there is no file ${entry}: the path starts at the working directory`);
  const { default: system } = await loadModule(pathToFileURL(entry).href);
  if (system instanceof System) return system;
  throw wrongDefault(entry, system, 'a System');
}

/** Runs a system until it ends, is stopped by a signal, or its time is over, and prints its ledger. */
export async function runSystem(path: string, args: readonly string[], flags: RunFlags): Promise<void> {
  const entry = resolve(path);
  // The entry reads its own arguments as if it had been started by node.
  process.argv = [process.argv[0] ?? 'node', entry, ...args];
  const system = await loadSystem(entry);
  const options: RunOptions = {
    entry,
    broker: chooseBroker(flags.broker, system.name),
    resume: flags.resume ?? false,
    reset: flags.reset ?? false,
  };
  const running = await system.run(options);
  const table = new LiveTable(running, `${system.name}: ${running.status().length} processes, Ctrl-C ends`);
  if (flags.table) table.start();
  const timer = flags.for === undefined ? undefined : setTimeout(() => void running.stop(), flags.for);
  try {
    const { ledger } = await running.done;
    console.log(formatLedger(ledger));
    if (!ledger.balanced) process.exitCode = 1;
  } finally {
    clearTimeout(timer);
    table.stop();
  }
}
