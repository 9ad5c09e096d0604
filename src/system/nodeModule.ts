import { loadModule, wrongDefault } from './loadModule.js';
import { isNode } from './node.js';
import type { NodeOperator } from './node.js';

/**
 * The operator of a node module.
 *
 * @param node - its name, for the message.
 * @throws EdgeFlowError `NODE_MODULE_INVALID`
 */
export async function loadNode(node: string, url: string): Promise<NodeOperator> {
  const { default: found } = await loadModule(url);
  if (isNode(found)) return found;
  throw wrongDefault(`node '${node}': ${url}`, found, 'export default defineNode(…)');
}
