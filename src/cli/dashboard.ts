import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { DashboardTls } from '../dashboard/options.js';
import { serve } from '../dashboard/serveDashboard.js';
import type { Dashboard } from '../dashboard/serveDashboard.js';
import { EdgeFlowError, errorMessage } from '../errors.js';
import type { Shown } from '../dashboard/shown.js';
import { OutsideSystem } from '../system/outsideSystem.js';
import { endSignal } from './endSignal.js';
import { addStoreOptions, withBroker } from './storeOption.js';
import type { StoreFlags } from './storeOption.js';

/** Where a dashboard listens. */
export interface DashboardAddress {
  readonly host: string;
  readonly port: number;
}

/** An option whose value may be left out takes what follows it, which may have been meant as the entry. */
export function entryFirst(option: string): string {
  return `Where the entry was meant, put it before ${option}, or -- between the two.`;
}

/** Reads `port`, `host` or `host:port`. */
export function parseDashboard(text: string): DashboardAddress {
  if (/\.[cm]?[jt]s$/.test(text))
    throw new InvalidArgumentError(`'${text}' looks like a module, and is no address. ${entryFirst('--dashboard')}`);
  const [, bracketed, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]|([A-Za-z0-9.-]*[A-Za-z.][A-Za-z0-9.-]*))?:?(\d{1,5})?$/.exec(text) ?? [];
  const port = digits === undefined ? 8000 : Number(digits);
  if ((bracketed ?? plain ?? digits) === undefined || port > 65_535)
    throw new InvalidArgumentError('expected a port, an address, or both, such as 127.0.0.1:8000 or 0.0.0.0:8000.');
  return { host: bracketed ?? plain ?? '127.0.0.1', port };
}

/** The token comes by the environment or a file: everybody on a host can read command lines. */
function tokenOfEnvironment(): string | undefined {
  const file = process.env.EDGEFLOW_DASHBOARD_TOKEN_FILE;
  if (file === undefined) return process.env.EDGEFLOW_DASHBOARD_TOKEN;
  return read('EDGEFLOW_DASHBOARD_TOKEN_FILE', file).trim();
}

function readTls(key: string | undefined, cert: string | undefined): DashboardTls | undefined {
  if (key === undefined && cert === undefined) return undefined;
  if (key === undefined || cert === undefined)
    throw new EdgeFlowError('OPTIONS_INVALID', '--dashboard-tls-key and --dashboard-tls-cert belong together; one of them is missing');
  return { key: read('--dashboard-tls-key', key), cert: read('--dashboard-tls-cert', cert) };
}

function read(what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new EdgeFlowError('OPTIONS_INVALID', `${what} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

export interface DashboardFlags {
  readonly dashboard?: DashboardAddress;
  readonly dashboardControl?: boolean;
  /** Files in PEM form. */
  readonly dashboardTlsKey?: string;
  readonly dashboardTlsCert?: string;
}

/**
 * Checks what is known of a dashboard before anything is started for it.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkDashboard({ dashboard, dashboardControl, dashboardTlsKey, dashboardTlsCert }: DashboardFlags): void {
  const given = { control: dashboardControl, 'tls-key': dashboardTlsKey, 'tls-cert': dashboardTlsCert };
  const [alone] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (!dashboard && alone !== undefined)
    throw new EdgeFlowError('OPTIONS_INVALID', `--dashboard-${alone} is of no use without --dashboard: add that`);
  readTls(dashboardTlsKey, dashboardTlsCert);
  if (dashboard) tokenOfEnvironment();
}

/** Serves the dashboard where the command line asks for it. */
export async function startDashboard(
  running: Shown,
  { dashboard, dashboardControl = false, dashboardTlsKey, dashboardTlsCert }: DashboardFlags,
): Promise<Dashboard | undefined> {
  if (!dashboard) return undefined;
  const token = tokenOfEnvironment();
  const served = await serve(running, {
    ...dashboard,
    control: dashboardControl,
    token,
    tls: readTls(dashboardTlsKey, dashboardTlsCert),
  });
  // A token that its owner gave is known to them; one that was made here is shown once.
  console.error(`dashboard: ${token === undefined ? served.url : served.address}`);
  return served;
}

interface LookFlags extends StoreFlags {
  readonly control?: boolean;
  readonly tlsKey?: string;
  readonly tlsCert?: string;
}

/** Shows a System that another process runs, until a signal comes. */
async function look(dashboard: DashboardAddress, { control = false, tlsKey, tlsCert, ...store }: LookFlags): Promise<void> {
  const end = endSignal();
  try {
    await withBroker(store, async (broker, name) => {
      const system = await OutsideSystem.look(broker, name);
      const flags = { dashboard, dashboardControl: control, dashboardTlsKey: tlsKey, dashboardTlsCert: tlsCert };
      const served = await startDashboard(system, flags);
      if (store.json) console.log(JSON.stringify({ system: system.name, address: served?.address }));
      if (!end.signal.aborted) await once(end.signal, 'abort');
      await served?.close();
      await system.stop();
    });
  } finally {
    end.release();
  }
}

/** Adds `edgeflow dashboard`. */
export function addDashboardCommand(program: Command): void {
  addStoreOptions(
    program
      .command('dashboard')
      .description('show a System that another process runs in the browser; that of `run --dashboard` also acts on nodes and finds frames')
      .argument('[address]', 'a port, an address, or both; off loopback a token is asked for', parseDashboard, parseDashboard('8000'))
      .option('--control', 'let the page re-drive and drop dead letters')
      .option('--tls-key <file>', 'serve by HTTPS, with this key')
      .option('--tls-cert <file>', 'and this certificate, both PEM'),
  ).action(look);
}
