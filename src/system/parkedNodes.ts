import type { LinkLedger } from '../observe/ledger.js';
import type { NodeReport } from './replica.js';

/**
 * Finds nodes whose pending messages all wait for further input (in `batch`, say), which will not come: they are to end, so that
 * what waits comes out.
 *
 * A report is older than the ledger. So what waits counts only when that was reported after the same number had been pending before.
 */
export class ParkedNodes {
  readonly #seen = new Map<string, { readonly pending: string; readonly reports: ReadonlySet<NodeReport | undefined> }>();

  /** @param links - the node's inputs, whose sources have ended. */
  allWait(node: string, links: readonly LinkLedger[], reports: readonly (NodeReport | undefined)[]): boolean {
    const pending = links.map((link) => link.pending).join(' ');
    const before = this.#seen.get(node);
    if (before?.pending !== pending) {
      this.#seen.set(node, { pending, reports: new Set(reports) });
      return false;
    }
    const fresh = reports.filter((report) => !before.reports.has(report));
    const parked = ({ source }: LinkLedger): number => fresh.reduce((sum, report) => sum + (report?.inputs[source]?.parked ?? 0), 0);
    return links.every((link) => link.pending === parked(link));
  }
}
