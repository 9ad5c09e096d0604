import type { LinkLedger } from '../observe/ledger.js';
import type { RunningSystem } from '../system/runningSystem.js';
import type { NodeAction, TraceStepView } from './wire.js';

/** What to look for: a message by its id or its place, or a frame by its number in its source. */
export interface TraceQuery {
  readonly id?: string;
  readonly topic?: string;
  readonly seq?: number;
  readonly source?: string;
  readonly index?: number;
}

/** A running system that can be traced and acted on; one that cannot shows less. */
export type Observed = RunningSystem &
  Partial<Record<NodeAction, (node: string) => Promise<void>>> & {
    trace?(query: TraceQuery): Promise<readonly TraceStepView[]>;
    traces?(options?: { readonly limit?: number }): readonly unknown[];
  };

/** Skipped messages by reason. */
export function reasonsOf(link: LinkLedger & { readonly skippedBy?: Readonly<Record<string, number>> }): Readonly<Record<string, number>> {
  return link.skippedBy ?? {};
}
