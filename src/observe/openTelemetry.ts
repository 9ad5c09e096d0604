import type { Telemetry } from './telemetry.js';

export function findTelemetry(_node: string): Promise<Telemetry | undefined> {
  return Promise.resolve(undefined);
}
