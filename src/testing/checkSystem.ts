import fc from 'fast-check';
import { MemoryBroker } from '../brokers/memory/memoryBroker.js';
import { errorMessage } from '../errors.js';
import { afterMs } from '../longTimer.js';
import type { Ledger, LinkLedger } from '../observe/ledger.js';
import { QoS } from '../qos.js';
import { checkGraph, inputsOf } from '../system/graph.js';
import type { Graph } from '../system/graph.js';
import type { NodeOperator } from '../system/node.js';
import { loadNode } from '../system/nodeModule.js';
import { startSystem } from '../system/start.js';
import type { System } from '../system/system.js';
import { assertProperty, checkRuns } from './pipelines/assertProperty.js';
import type { PipelineCheckOptions } from './pipelines/assertProperty.js';
import { withFaults } from './systems/faults.js';
import type { SystemFault } from './systems/faults.js';

/** Deliveries of a message before it is a dead letter, where the link does not say otherwise. */
const defaultDeliveries = 5;

/** Options of {@link checkSystem}. */
export interface SystemCheckOptions extends Pick<PipelineCheckOptions<unknown>, 'runs' | 'seed' | 'timeLimitMs'> {
  /** Runs after one without faults, each with other faults. @defaultValue 5 */
  readonly runs?: number;
  /** Most faults of a run. @defaultValue 4 */
  readonly maxFaults?: number;
  /** Faults strike among the first so many messages of a node. @defaultValue 20 */
  readonly maxMessages?: number;
  /** What takes the place of nodes, by their names: sources with other values, sinks without their servers. @defaultValue none */
  readonly nodes?: Readonly<Record<string, NodeOperator<never>>>;
  /** Ends each run after so long, in milliseconds, where the sources do not end by themselves. @defaultValue Infinity */
  readonly forMs?: number;
  /** How long what is left may then take, in milliseconds. @defaultValue 10000 */
  readonly drainMs?: number;
  /** Looks at what a run has left, and throws where that is wrong. @defaultValue nothing */
  readonly outcome?: (ledger: Ledger) => void | Promise<void>;
}

/**
 * Checks that a System keeps what its links promise: it is run in this process on a `MemoryBroker`, again and again, while
 * messages fail on their way into its nodes, or their streams are cut off. DURABLE: each message is acked in the end, none
 * is pending. REALTIME: published is delivered and skipped. The columns of the ledger must add up.
 *
 * Processes and their kills are not part of it: those are for `edgeflow check`.
 *
 * @param make - makes the System, anew for each run.
 * @throws Error with the seed, the smallest case, and what went wrong in it.
 * @example
 * ```ts
 * test('keeps its QoS', () => checkSystem(() => peopleCounter({ source: 'street:1?frames=30' }), { runs: 10 }));
 * ```
 */
export async function checkSystem(make: () => System | Promise<System>, options: SystemCheckOptions = {}): Promise<void> {
  checkRuns('checkSystem', options);
  const { runs = 5, maxFaults = 4, maxMessages = 20, timeLimitMs = 60_000, seed } = options;
  const fault: fc.Arbitrary<SystemFault> = fc.record({
    node: fc.nat({ max: 15 }),
    at: fc.nat({ max: maxMessages - 1 }),
    kind: fc.constantFrom('fail', 'cut'),
  });
  const healthy = await problemsOf(await make(), [], options);
  if (healthy.length > 0) throw new Error(`without any faults: ${healthy.join('\n')}`);
  const cases = fc.array(fault, { minLength: 1, maxLength: maxFaults });
  await assertProperty(cases, { runs, timeLimitMs, seed }, async (faults) => problemsOf(await make(), faults, options));
}

/** One run, and what is wrong with it. */
async function problemsOf(system: System, faults: readonly SystemFault[], options: SystemCheckOptions): Promise<string[]> {
  const { nodes = {}, forMs = Infinity, drainMs = 10_000, outcome } = options;
  const graph = await faultyGraph(system.graph(), nodes, faults);
  const log: string[] = [];
  try {
    const broker = new MemoryBroker();
    const running = await startSystem(graph, () => 'inline', {
      broker,
      drainMs,
      handleSignals: false,
      onLog: (node, line) => log.push(`${node}: ${line}`),
    });
    const timer = afterMs(forMs, () => void running.stop());
    const { ledger } = await running.done.finally(() => timer.unsubscribe());
    await outcome?.(ledger);
    const problems = ledger.links.flatMap((link) => wrong(link, graph, faults.length));
    return problems.length > 0 ? [...problems, ...log] : [];
  } catch (error) {
    return [errorMessage(error), ...log];
  }
}

/** The graph with its faults, all of its nodes inline. */
async function faultyGraph(
  graph: Graph,
  instead: Readonly<Record<string, NodeOperator<never>>>,
  faults: readonly SystemFault[],
): Promise<Graph> {
  const unknown = Object.keys(instead).find((name) => !graph.nodes.has(name));
  if (unknown !== undefined) throw new Error(`checkSystem: nodes names '${unknown}', but there are ${[...graph.nodes.keys()].join(', ')}`);
  const struck = checkGraph(graph).filter((name) => inputsOf(graph, name).length > 0);
  const nodes = await Promise.all(
    [...graph.nodes.values()].map(async (node) => {
      const { name, module } = node;
      // Types of inputs are the user's word, as in `System.node`.
      const operator = (instead[name] as NodeOperator | undefined) ?? node.operator ?? (await loadNode(name, module ?? ''));
      const own = faults.filter(({ node: number }) => struck[number % struck.length] === name);
      return [name, { ...node, module: undefined, operator: withFaults(operator, own) }] as const;
    }),
  );
  return { ...graph, nodes: new Map(nodes) };
}

/** What a link has not kept. */
function wrong(row: LinkLedger, graph: Graph, faults: number): string[] {
  const { source, target, qos, published, pending, dead, balanced } = row;
  const name = `${source} → ${target}`;
  const problems = balanced ? [] : [`${name}: its columns do not add up to ${published}: ${JSON.stringify(row)}`];
  if (qos === QoS.REALTIME) return problems;
  if (pending > 0) problems.push(`${name}: ${pending} of ${published} messages were never settled`);
  const link = graph.links.find((each) => each.source === source && each.target === target);
  // Each fault takes one delivery of a message.
  if (dead > 0 && faults < (link?.options.retry?.maxDeliveries ?? defaultDeliveries))
    problems.push(`${name}: ${dead} of ${published} messages were given up, after ${faults} faults`);
  return problems;
}
