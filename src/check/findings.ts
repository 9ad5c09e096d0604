import { describeError } from '../errors.js';
import type { LinkLedger } from '../observe/ledger.js';
import { QoS } from '../qos.js';
import type { GraphLink } from '../system/graph.js';
import { NotStarted } from './observe.js';
import type { Observation } from './observe.js';
import { formatTarget } from './schedule.js';

/** What was found. The kinds are stable. */
type FindingKind =
  /** The system stopped with an error. */
  | 'gave-up'
  /** A node was not ready in time. */
  | 'not-started'
  /** Processes ended by themselves. */
  | 'crashed'
  /** Nodes had to be killed at the end. */
  | 'not-ended'
  /** Messages of a DURABLE link were neither acked nor dead-lettered. */
  | 'pending'
  /** Messages were given up because of a fault. */
  | 'dead-lettered'
  /** Counts do not add up, or fell. */
  | 'unbalanced';

/** One way in which a run broke the contract. */
export interface Finding {
  readonly kind: FindingKind;
  /** In plain words: what was seen, and what it usually comes from. */
  readonly message: string;
  /** Lines that show it: errors of dead letters, the last lines of a node. */
  readonly evidence: readonly string[];
}

/** Findings that break the contract, and what is only worth knowing. */
export interface Verdict {
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
}

/** By what `fromBroker` says of a message whose consumer died with it each time. */
const neverSettled = 'never settled: its consumer died each time';

const shownLetters = 3;
const shownLines = 5;

/**
 * Judges a run.
 *
 * @param baseline - the run without faults: a link whose node dead-letters there does so by itself.
 */
export function judge(run: Observation, baseline: Observation | undefined): Verdict {
  const { findings: dead, notes } = deadLettered(run, baseline);
  return {
    findings: [
      ...gaveUp(run),
      ...crashed(run),
      ...dead,
      // A system that gave up stops without consuming what is left: that is no finding of its own.
      ...(run.failure === undefined ? [...pending(run), ...notEnded(run)] : []),
      ...unbalanced(run),
    ],
    notes,
  };
}

function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}

/** The last things that replicas logged, without the stacks. */
function lastLines({ logs }: Observation, ...names: readonly string[]): string[] {
  const lines = [...logs].flatMap(([label, said]) =>
    names.includes(label) ? said.slice(-shownLines).map((line) => `${label} | ${line.split('\n', 1)[0] ?? ''}`) : [],
  );
  return [...new Set(lines)];
}

/** How logs name the replicas of a node. */
function labels({ graph }: Observation, node: string): string[] {
  const replicas = graph.nodes.get(node)?.replicas ?? 1;
  return replicas === 1 ? [node] : Array.from({ length: replicas }, (_, replica) => `${node}-${replica}`);
}

function gaveUp(run: Observation): Finding[] {
  if (run.failure === undefined) return [];
  if (run.failure instanceof NotStarted) return [{ kind: 'not-started', message: run.failure.message, evidence: [] }];
  return [{ kind: 'gave-up', message: `the system gave up: ${describeError(run.failure)}`, evidence: [] }];
}

/** Replicas that ended more often than they were killed. */
function crashed(run: Observation): Finding[] {
  // Its nodes may end because the broker was away; what matters is that they come back and settle everything.
  if (run.schedule.some(({ kind }) => kind === 'restart')) return [];
  return run.status.flatMap(({ node, replica, restarts, state }) => {
    const name = formatTarget({ node, replica });
    const kills = run.kills.get(name) ?? 0;
    if (restarts <= kills) return [];
    const itself = restarts - kills;
    const times = itself === 1 ? 'once' : `${itself} times`;
    const killed = kills > 0 ? `, after it was killed ${kills === 1 ? 'once' : `${kills} times`}` : '';
    const because =
      kills > 0
        ? 'What a killed process leaves behind (a lock, a socket, half a file) must not stop the next one, and a message that is delivered again must be no surprise'
        : 'A process that ends takes its open messages back when it is restarted, and costs their deliveries';
    return [
      {
        kind: 'crashed' as const,
        message: `node '${name}' ended by itself ${times}${killed}${state === 'failed' ? ', and was given up' : ''}. ${because}`,
        evidence: lastLines(run, ...labels(run, node)),
      },
    ];
  });
}

function pending(run: Observation): Finding[] {
  return run.ledger.links
    .filter((link) => link.qos === QoS.DURABLE && link.pending > 0)
    .map((link) => ({
      kind: 'pending' as const,
      message:
        `left on ${link.source} → ${link.target}: ${messages(link.pending)} of ${link.published}, neither acked nor dead-lettered ` +
        `${run.drainMs} ms after the stop. ${whyPending(run, link)}`,
      evidence: lastLines(run, ...labels(run, link.target)),
    }));
}

function whyPending(run: Observation, { target, acked, pending: left }: LinkLedger): string {
  const status = run.status.filter(({ node }) => node === target);
  if (status.some(({ restarts }) => restarts > 0) && acked === 0) return `'${target}' acked nothing at all, and was restarted`;
  if (run.kills.size === 0 && left > acked)
    return `'${target}' may need more time than the drain has (--drain), or never settles what it takes`;
  return `'${target}' holds them without settling, or is too slow for the drain (--drain): a lease that is never released, or work that never ends`;
}

function notEnded(run: Observation): Finding[] {
  const stuck = run.late.filter(
    (node) => !run.ledger.links.some((link) => link.qos === QoS.DURABLE && link.target === node && link.pending > 0),
  );
  // What comes after a node that is stuck can't end either.
  return stuck
    .filter((node) => !run.graph.links.some(({ source, target }) => target === node && run.late.includes(source)))
    .map((node) => ({
      kind: 'not-ended' as const,
      message: `node '${node}' had not ended ${run.drainMs} ms after the stop, with nothing left to consume, and was killed: its stream never completes`,
      evidence: lastLines(run, ...labels(run, node)),
    }));
}

/** Dead letters by link: given up because of a fault, or because the node itself refused the message. */
function deadLettered(run: Observation, baseline: Observation | undefined): Verdict {
  const findings: Finding[] = [];
  const notes: string[] = [];
  for (const link of run.graph.links) {
    const letters = run.deadLetters.filter(({ source, group }) => source === link.source && group === link.target);
    const byFault = letters.filter(({ error }) => error.includes(neverSettled));
    const refused = letters.filter(({ error }) => !error.includes(neverSettled));
    const evidence = (of: typeof letters): string[] =>
      of.slice(0, shownLetters).map(({ seq, attempts, error }) => `message ${seq}, attempt ${attempts}: ${error}`);
    if (byFault.length > 0)
      findings.push({
        kind: 'dead-lettered',
        message: `dead letters of ${link.source} → ${link.target}: ${messages(byFault.length)} that the node did not refuse. ${tooFew(link)}`,
        evidence: evidence(byFault),
      });
    if (refused.length === 0) continue;
    const before = baseline?.deadLetters.some(({ source, group }) => source === link.source && group === link.target) ?? true;
    const what = `dead letters of ${link.source} → ${link.target}: ${messages(refused.length)} that failed at every attempt`;
    if (before) notes.push(`${what}: ${evidence(refused)[0] ?? ''}`);
    else
      findings.push({
        kind: 'dead-lettered',
        message: `${what}. Without faults there were none: the node refuses messages after a fault`,
        evidence: evidence(refused),
      });
  }
  return { findings, notes };
}

function tooFew({ options }: GraphLink): string {
  const most = options.retry?.maxDeliveries;
  return most === undefined
    ? 'Its process ended at each delivery'
    : `retry.maxDeliveries is ${most}, and its process ended that often while it had them: a delivery that a crash cuts short counts, so allow for some`;
}

function unbalanced(run: Observation): Finding[] {
  const wrong = run.ledger.links
    .filter(({ balanced }) => !balanced)
    .map(
      ({ source, target, published, acked, dead, delivered, skipped, pending: left }) =>
        `${source} → ${target}: ${published} published, but ${acked} acked + ${dead} dead-lettered + ${delivered} delivered + ${skipped} skipped + ${left} pending`,
    );
  if (wrong.length === 0 && run.drifts.length === 0) return [];
  return [
    {
      kind: 'unbalanced',
      message: 'the ledger does not add up. This is a defect of the broker, not of a node: please report it',
      evidence: [...wrong, ...run.drifts],
    },
  ];
}
