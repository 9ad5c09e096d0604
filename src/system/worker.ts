/**
 * The main module of a worker process: gets its plan from the supervisor, runs one node, and exits when the supervisor
 * is gone.
 */
import { pathToFileURL } from 'node:url';
import { connectBroker } from '../brokers/connect.js';
import { codeOf, EdgeFlowError, errorMessage } from '../errors.js';
import { fingerprint } from './graph.js';
import { loadModule, wrongDefault } from './loadModule.js';
import { isNode } from './node.js';
import type { NodeOperator } from './node.js';
import { NodeRunner } from './nodeRunner.js';
import type { FromWorker, ToWorker, WorkerPlan } from './protocol.js';
import { System } from './system.js';
import { setWorkerHook } from './workerHook.js';

const reportEveryMs = 500;
/** How long a worker whose supervisor is gone may still settle what it has open. */
const orphanMs = 2_000;

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

function fail(error: unknown): void {
  const code = codeOf(error);
  // EdgeFlow's own errors explain themselves; of any other the stack helps.
  const stack = code === undefined && error instanceof Error ? error.stack : undefined;
  const message = stack ?? errorMessage(error);
  const leave = (): void => process.exit(1);
  if (process.connected) process.send?.({ type: 'failed', code, message } satisfies FromWorker, leave);
  else leave();
}

/** The operator of a node module. */
async function fromModule(plan: WorkerPlan, url: string): Promise<NodeOperator> {
  const { default: node } = await loadModule(url);
  if (isNode(node)) return node;
  throw wrongDefault(`node '${plan.node}': ${url}`, node, 'export default defineNode(…)');
}

/** The operator of an inline node: imports the entry again and takes the node out of the System that it builds. */
async function fromEntry(plan: WorkerPlan): Promise<NodeOperator> {
  if (plan.entry === undefined)
    throw new EdgeFlowError(
      'NODE_MODULE_INVALID',
      `node '${plan.node}' is an inline operator, and the system has no entry module to find it in`,
    );
  const { entry } = plan;
  process.argv = [process.argv[0] ?? 'node', entry, ...plan.argv];
  const system = await new Promise<System>((resolve, reject) => {
    setWorkerHook(resolve);
    loadModule(pathToFileURL(entry).href).then((module) => {
      if (module.default instanceof System) resolve(module.default);
    }, reject);
  });
  const graph = system.graph(entry);
  if (fingerprint(graph) !== plan.fingerprint)
    throw new EdgeFlowError(
      'WORKER_MISMATCH',
      `node '${plan.node}': ${entry} built another graph in the worker than in the main process; ` +
        'a System must not depend on the time, on chance, or on what only the main process knows',
    );
  const operator = graph.nodes.get(plan.node)?.operator;
  if (!operator) throw new EdgeFlowError('WORKER_MISMATCH', `node '${plan.node}' is not in ${entry}`);
  return operator;
}

async function start(plan: WorkerPlan, go: Promise<void>, stop: AbortController): Promise<void> {
  const broker = await connectBroker(plan.broker);
  await broker.open();
  const operator = plan.module === undefined ? await fromEntry(plan) : await fromModule(plan, plan.module);
  const runner = new NodeRunner(plan, operator, broker, stop.signal);
  const reports = setInterval(() => {
    tell({ type: 'report', report: runner.report() });
  }, reportEveryMs);
  // Consumers listen before any source begins.
  if (plan.inputs.length === 0) {
    tell({ type: 'ready' });
    await go;
  }
  const running = runner.run();
  if (plan.inputs.length > 0) tell({ type: 'ready' });
  await running;
  clearInterval(reports);
  tell({ type: 'report', report: runner.report() });
  await broker.close();
  await new Promise<void>((resolve) => {
    if (process.connected)
      process.send?.({ type: 'done' } satisfies FromWorker, () => {
        resolve();
      });
    else resolve();
  });
  process.exit(0);
}

const stop = new AbortController();
let release: () => void = () => undefined;
const go = new Promise<void>((resolve) => {
  release = resolve;
});

process.on('disconnect', () => {
  stop.abort();
  release();
  setTimeout(() => process.exit(1), orphanMs);
});
// The terminal sends Ctrl-C to the whole group; the supervisor decides the order in which nodes stop.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.on('message', (message: ToWorker) => {
  if (message.type === 'plan') start(message.plan, go, stop).catch(fail);
  else if (message.type === 'go') release();
  else {
    stop.abort();
    release();
  }
});
