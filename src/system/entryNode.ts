import { pathToFileURL } from 'node:url';
import { EdgeFlowError } from '../errors.js';
import { fingerprint } from './graph.js';
import { loadModule } from './loadModule.js';
import type { NodeOperator } from './node.js';
import type { WorkerPlan } from './protocol.js';
import { systemOf } from './recipe.js';
import type { System } from './system.js';
import { setWorkerHook } from './workerHook.js';

/** The operator of an inline node, in a worker: imports the entry again and takes the node out of the System that it builds. */
export async function loadEntryNode(plan: WorkerPlan): Promise<NodeOperator> {
  if (plan.entry === undefined)
    throw new EdgeFlowError(
      'NODE_MODULE_INVALID',
      `node '${plan.node}' is an inline operator, and the system has no entry module to find it in`,
    );
  const { entry } = plan;
  process.argv = [process.argv[0] ?? 'node', entry, ...plan.argv];
  const system = await new Promise<System>((resolve, reject) => {
    setWorkerHook(resolve);
    loadModule(pathToFileURL(entry).href)
      .then((module) => {
        const found = systemOf(module.default, plan.argv);
        if (found) resolve(found);
      })
      .catch(reject);
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
