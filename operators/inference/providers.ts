import { closest, EdgeFlowError } from 'edgeflow';

/** What can run a model: onnxruntime's execution providers. */
const providerNames = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'coreml', 'dml', 'qnn'] as const;

/** One of onnxruntime's execution providers, as far as this machine's build of it has them; `cpu` is everywhere. */
export type Provider = (typeof providerNames)[number];

/** @throws EdgeFlowError `OPTIONS_INVALID` for an empty list, and for a name that no provider has. */
export function checkProviders(operator: string, providers: readonly string[]): void {
  if (providers.length === 0)
    throw new EdgeFlowError('OPTIONS_INVALID', `${operator}: providers is empty; expected at least one, such as 'cpu'`);
  for (const name of providers) {
    if (providerNames.some((known) => known === name)) continue;
    const hint = closest(name, providerNames);
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `${operator}: providers names '${name}'; expected some of ${providerNames.join(', ')}${hint === undefined ? '' : ` (did you mean '${hint}'?)`}`,
    );
  }
}
