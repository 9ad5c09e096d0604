import type { Dashboard } from '../dashboard/serveDashboard.js';
import { afterMs } from '../longTimer.js';
import { formatLedger } from '../observe/ledger.js';
import type { Isolation } from '../system/isolation.js';
import type { RunOptions } from '../system/runningSystem.js';
import { checkDashboard, startDashboard } from './dashboard.js';
import type { DashboardFlags } from './dashboard.js';
import { chooseBroker } from './brokerOption.js';
import type { BrokerKind } from './brokerOption.js';
import { LiveTable } from './liveTable.js';
import { loadSystem } from './loadSystem.js';
import { FileWatch } from './watchFiles.js';

/** What `run` and `demo` take from the command line. */
export interface RunFlags extends DashboardFlags {
  readonly broker?: BrokerKind;
  /** Milliseconds after which the system is stopped. */
  readonly for?: number;
  readonly resume?: boolean;
  readonly reset?: boolean | 'namespace';
  readonly isolation?: Isolation;
  readonly table: boolean;
  readonly json?: boolean;
  readonly log?: 'text' | 'json';
  readonly watch?: boolean;
}

/** Runs a system until it ends, is stopped by a signal, or its time is over, and prints its ledger. */
export async function runSystem(path: string, args: readonly string[], flags: RunFlags): Promise<void> {
  checkDashboard(flags);
  const { entry, system } = await loadSystem(path, args);
  const options: RunOptions = {
    entry,
    broker: chooseBroker(flags.broker, system.name),
    resume: flags.resume ?? false,
    reset: flags.reset ?? false,
    isolation: flags.isolation,
    // Whoever looks wants to find any frame. Workers lower the share themselves where it is too much.
    ...(flags.dashboard ? { trace: { sample: 1 } } : {}),
    log: flags.log,
  };
  const running = await system.run(options);
  let dashboard: Dashboard | undefined;
  try {
    dashboard = await startDashboard(running, flags);
  } catch (error) {
    await running.stop();
    throw error;
  }
  const title = [`${system.name}, Ctrl-C ends`, ...(dashboard ? [`dashboard: ${dashboard.address}`] : [])].join('; ');
  const table = new LiveTable(running, title);
  if (flags.table && !flags.json) table.start();
  const watch = flags.watch ? new FileWatch(running, system.graph(entry), entry, (line) => console.error(`watch | ${line}`)) : undefined;
  const stop = (): void => void running.stop();
  process.stdout.on('error', stop);
  const timer = afterMs(flags.for ?? Infinity, stop);
  try {
    const { ledger } = await running.done;
    table.stop();
    console.log(flags.json ? JSON.stringify(ledger, undefined, 2) : formatLedger(ledger));
    if (!ledger.balanced) process.exitCode = 1;
  } finally {
    timer.unsubscribe();
    process.stdout.off('error', stop);
    watch?.close();
    table.stop();
  }
}
