import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { DashboardTls } from '../dashboard/options.js';
import { serveDashboard } from '../dashboard/serveDashboard.js';
import type { Dashboard } from '../dashboard/serveDashboard.js';
import { EdgeFlowError, errorMessage } from '../errors.js';
import type { RunningSystem } from '../system/runningSystem.js';

/** Where a dashboard listens. */
export interface DashboardAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `port`, `host` or `host:port`. */
export function parseDashboard(text: string): DashboardAddress {
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

/** Serves the dashboard where the command line asks for it. */
export async function startDashboard(
  running: RunningSystem,
  { dashboard, dashboardControl = false, dashboardTlsKey, dashboardTlsCert }: DashboardFlags,
): Promise<Dashboard | undefined> {
  if (!dashboard) return undefined;
  const token = tokenOfEnvironment();
  const served = await serveDashboard(running, {
    ...dashboard,
    control: dashboardControl,
    token,
    tls: readTls(dashboardTlsKey, dashboardTlsCert),
  });
  // A token that its owner gave is known to them; one that was made here is shown once.
  console.error(`dashboard: ${token === undefined ? served.url : served.address}`);
  return served;
}
