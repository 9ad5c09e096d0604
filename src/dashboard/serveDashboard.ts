import type { RunningSystem } from '../system/runningSystem.js';
import type { DashboardOptions } from './options.js';
import type { Shown } from './shown.js';

/** A dashboard that is served. */
export interface Dashboard {
  /** What to open in a browser. Holds the token where there is one: show it to its owner alone. */
  readonly url: string;
  /** The same without the token. */
  readonly address: string;
  /** Whether it is reached from this host alone. */
  readonly loopback: boolean;
  /** Stops serving. Idempotent; the end of the system does the same. */
  close(): Promise<void>;
}

/**
 * Shows a running system in the browser: its graph, every link's ledger, live pictures, dead letters, and where a frame went.
 *
 * It listens on loopback, and only shows, unless told otherwise. Off loopback a token is asked for.
 *
 * @param running - what `system.run()` resolved to.
 * @returns a handle once it listens.
 * @throws EdgeFlowError `OPTIONS_INVALID` for an option that cannot be used, or a port that is taken.
 *
 * @example
 * ```ts
 * const running = await system.run();
 * const { url } = await serveDashboard(running, { control: true });
 * console.log(url);
 * ```
 */
export async function serveDashboard(running: RunningSystem, options: DashboardOptions = {}): Promise<Dashboard> {
  return serve(running, options);
}

/** The same for a system that is only looked at, too. */
export async function serve(shown: Shown, options: DashboardOptions): Promise<Dashboard> {
  // A system that nobody looks at loads no server, and no TLS to check its options.
  const { checkDashboardOptions } = await import('./options.js');
  const checked = checkDashboardOptions(options);
  const { startServer } = await import('./server.js');
  return startServer(shown, checked);
}
