import type { Sample } from '../support/bench.js';
import { quantile } from '../support/statistics.js';
import type { Recording } from './camera.js';
import type { Peer } from './peers.js';

/** What consumers of the newest frames got: delays, what it cost, what was passed over. */
export function newestFigures({ produced, consumed, cpu }: Recording): Sample['figures'] {
  const latencies = consumed.flatMap((consumer) => consumer.latencies);
  return {
    'p50 ms': quantile(latencies, 0.5),
    'p99 ms': quantile(latencies, 0.99),
    'CPU ms/frame': (cpu.producerMs + cpu.consumersMs + cpu.serversMs) / produced.frames,
    'skipped %': 100 * (1 - latencies.length / (produced.frames * consumed.length)),
  };
}

/** What the one consumer of every frame got. */
export function everyFigures({ produced, consumed: [consumer], cpu }: Recording): Sample['figures'] {
  const { latencies, endMs } = consumer ?? { latencies: [], endMs: NaN };
  return {
    'frames/s': (latencies.length / (endMs - produced.startMs)) * 1_000,
    'CPU ms/frame': (cpu.producerMs + cpu.consumersMs + cpu.serversMs) / latencies.length,
    'p50 ms': quantile(latencies, 0.5),
    'p99 ms': quantile(latencies, 0.99),
  };
}

/** The peers that can run here; for the others one row a scenario says what they lack. */
export function present(peers: readonly Peer[], scenariosOf: (peer: Peer) => readonly string[], report: (sample: Sample) => void): Peer[] {
  return peers.filter((peer) => {
    const missing = peer.missing?.();
    if (missing !== undefined) for (const scenario of scenariosOf(peer)) report({ scenario, peer: peer.name, figures: {}, missing });
    return missing === undefined;
  });
}
