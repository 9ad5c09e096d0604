import { EdgeFlowError } from '../errors.js';

/** One replica of a node, as a fault names it. */
export interface FaultTarget {
  readonly node: string;
  readonly replica: number;
}

/** One fault; `atMs` counts from the moment at which the system runs. */
export type Fault =
  /** SIGKILL. */
  | { readonly kind: 'kill'; readonly target: FaultTarget; readonly atMs: number }
  /** SIGSTOP, and SIGCONT after `forMs`. */
  | { readonly kind: 'pause'; readonly target: FaultTarget; readonly atMs: number; readonly forMs: number }
  /** Runs for a `factor`-th of the time only, for `forMs`. */
  | { readonly kind: 'slow'; readonly target: FaultTarget; readonly atMs: number; readonly forMs: number; readonly factor: number }
  /** The broker's servers are killed and started again. */
  | { readonly kind: 'restart'; readonly atMs: number };

/** Faults in the order of their times; none is a run without faults. */
export type Schedule = readonly Fault[];

/** What there is to break: replicas of nodes, and whether the broker has servers that can be restarted. */
export interface FaultTargets {
  readonly nodes: readonly { readonly name: string; readonly replicas: number }[];
  readonly restartable: boolean;
}

/** The text of a schedule without faults. */
const calm = 'none';

const syntax = "expected 'none', or such as 'kill yolo@1200,pause logger#1@500+2000,slow yolo@0+1500x4,restart broker@900' (milliseconds)";

/** A schedule as text, which {@link parseSchedule} reads. */
export function formatSchedule(schedule: Schedule): string {
  return schedule.length === 0 ? calm : inOrder(schedule).map(formatFault).join(',');
}

export function formatTarget({ node, replica }: FaultTarget): string {
  return replica === 0 ? node : `${node}#${replica}`;
}

function formatFault(fault: Fault): string {
  switch (fault.kind) {
    case 'restart':
      return `restart broker@${fault.atMs}`;
    case 'kill':
      return `kill ${formatTarget(fault.target)}@${fault.atMs}`;
    case 'pause':
      return `pause ${formatTarget(fault.target)}@${fault.atMs}+${fault.forMs}`;
    case 'slow':
      return `slow ${formatTarget(fault.target)}@${fault.atMs}+${fault.forMs}x${fault.factor}`;
  }
}

function inOrder(schedule: Schedule): Fault[] {
  return [...schedule].sort((a, b) => a.atMs - b.atMs);
}

/**
 * Reads a schedule: faults with commas between. `#1` names the second replica of a node.
 *
 * ```
 * kill <node>[#replica]@<at>
 * pause <node>[#replica]@<at>+<for>
 * slow <node>[#replica]@<at>+<for>x<factor>
 * restart broker@<at>
 * ```
 *
 * @throws EdgeFlowError `SCHEDULE_INVALID`
 */
export function parseSchedule(text: string, targets: FaultTargets): Schedule {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length === 1 && (parts[0] === calm || parts[0] === '')) return [];
  return inOrder(parts.map((part) => parseFault(part, targets)));
}

function parseFault(text: string, targets: FaultTargets): Fault {
  const [, kind, name = '', replicaText = '0', at, duration, factorText] =
    /^([a-z]+)\s+([^\s@#]+)(?:#(\d+))?@(\d+)(?:\+(\d+))?(?:x(\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  if (kind === undefined || at === undefined) throw invalid(text, syntax);
  const atMs = Number(at);
  if (kind === 'restart') {
    if (name !== 'broker' || duration !== undefined || factorText !== undefined) throw invalid(text, "expected 'restart broker@900'");
    if (!targets.restartable) throw invalid(text, 'the embedded broker has no servers to restart; use --broker redis');
    return { kind, atMs };
  }
  const target = { node: name, replica: Number(replicaText) };
  const forMs = Number(duration);
  const factor = Number(factorText);
  switch (kind) {
    case 'kill':
      if (duration !== undefined || factorText !== undefined) throw invalid(text, "a kill has no duration; expected 'kill yolo@1200'");
      return { kind, target: known(text, target, targets), atMs };
    case 'pause':
      if (duration === undefined || factorText !== undefined)
        throw invalid(text, "a pause needs its duration, and no factor; expected 'pause logger@500+2000'");
      return { kind, target: known(text, target, targets), atMs, forMs };
    case 'slow':
      if (duration === undefined || !(factor > 1))
        throw invalid(text, "slow needs its duration and a factor above 1; expected 'slow yolo@0+1500x4'");
      return { kind, target: known(text, target, targets), atMs, forMs, factor };
    default:
      throw invalid(text, `there is no fault '${kind}'; expected kill, pause, slow or restart`);
  }
}

function known(text: string, target: FaultTarget, { nodes }: FaultTargets): FaultTarget {
  const found = nodes.find(({ name }) => name === target.node);
  if (!found) throw invalid(text, `the system has no node '${target.node}'; its nodes are ${nodes.map(({ name }) => name).join(', ')}`);
  if (target.replica >= found.replicas)
    throw invalid(text, `node '${target.node}' has no replica ${target.replica}; it has ${found.replicas}, counted from 0`);
  return target;
}

function invalid(text: string, why: string): EdgeFlowError {
  return new EdgeFlowError('SCHEDULE_INVALID', `fault '${text}': ${why}`);
}
