import { ok, warn } from './finding.js';
import type { Finding } from './finding.js';

/** Whether the models that are kept on this machine are the published ones, byte for byte. */
export async function checkModels(): Promise<Finding[]> {
  const { listModels } = await import('edgeflow/operators');
  return (await listModels()).map(({ name, path, state }) =>
    state === 'changed'
      ? warn(`model ${name}`, `${path} is not the published file`, `edgeflow models pull ${name}`)
      : ok(`model ${name}`, state === 'kept' ? path : 'not fetched yet'),
  );
}
