import type { FileSample, ProcessSample, Sampler } from './samples.js';

/**
 * What is measured: of a process its `resident` memory, the part of it that is its own (`memory`, without files that are
 * mapped), open file `descriptors` and active `handles`; of a file the bytes it takes.
 */
export type Measure = 'resident' | 'memory' | 'descriptors' | 'handles' | 'file';

/** How one measure went over one stretch of time. */
export interface Trend {
  readonly what: string;
  readonly measure: Measure;
  /** Length of the stretch, in seconds, and how many samples it has. */
  readonly seconds: number;
  readonly samples: number;
  readonly mean: number;
  /** By the least-squares line: its slope times the length of the stretch. */
  readonly growth: number;
  /** The most growth that passes. */
  readonly tolerance: number;
}

interface Point {
  readonly at: number;
  readonly value: number;
}

type Sample = Partial<ProcessSample> & Partial<FileSample> & { readonly at: number };

const fieldOf = { resident: 'rss', memory: 'own', descriptors: 'files', handles: 'handles', file: 'bytes' } as const;

function pointsOf(samples: readonly Sample[], measure: Measure): Point[] {
  return samples.flatMap((sample) => {
    const value = sample[fieldOf[measure]];
    return value === undefined ? [] : [{ at: sample.at, value }];
  });
}

/** A process or a file is not measured before it has run for so long. */
const warmUpSeconds = 60;
/** Shorter stretches tell nothing: V8 lets garbage pile up for a minute and more before it collects all of it. */
const leastSeconds = 90;
/** By then a server that was started again has loaded what it stored. */
const loadSeconds = 3;

const megabyte = 1024 * 1024;
const share = 0.05;
/** Growth below this passes however small the measure is. */
const leastTolerance: Readonly<Record<Measure, number>> = {
  resident: 10 * megabyte,
  memory: 10 * megabyte,
  descriptors: 2,
  handles: 2,
  file: 10 * megabyte,
};

/**
 * The trends of all that was sampled: of each process within its longest life, of each file, and of servers over all of
 * their lives.
 *
 * @param calmSince - when the last fault was over, in seconds since the run began.
 */
export function trendsOf(
  { processes, files }: Pick<Sampler, 'processes' | 'files'>,
  servers: readonly string[],
  calmSince: number,
): Trend[] {
  const trends: (Trend | undefined)[] = [];
  for (const [name, samples] of processes) {
    const life = longestLife(samples).filter(({ age }) => age >= warmUpSeconds);
    for (const measure of ['resident', 'memory', 'descriptors', 'handles'] as const)
      trends.push(trend(`${name}, one life`, measure, pointsOf(life, measure)));
    if (!servers.includes(name)) continue;
    // A server keeps its messages when it is killed: what it holds more with each life is a leak too.
    const loaded = samples.filter(({ at, age }) => at >= warmUpSeconds && age >= loadSeconds);
    trends.push(trend(`${name}, all lives`, 'memory', pointsOf(loaded, 'memory')));
  }
  for (const [name, samples] of files) {
    // A process that stands still in the midst of a read keeps lmdb from using pages again, and no file of it shrinks:
    // its size is a high-water mark, which any fault may raise.
    const warm = samples.filter(({ at }) => at >= Math.max(warmUpSeconds, calmSince));
    trends.push(trend(name, 'file', pointsOf(warm, 'file')));
  }
  return trends.filter((found) => found !== undefined);
}

export function grows({ growth, tolerance }: Trend): boolean {
  return growth > tolerance;
}

/** Undefined for a stretch that is too short to tell. */
function trend(what: string, measure: Measure, points: readonly Point[]): Trend | undefined {
  const seconds = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0);
  if (seconds < leastSeconds) return undefined;
  const mean = points.reduce((sum, { value }) => sum + value, 0) / points.length;
  const growth = slope(points) * seconds;
  return { what, measure, seconds, samples: points.length, mean, growth, tolerance: Math.max(leastTolerance[measure], share * mean) };
}

/** Slope of the least-squares line through points. */
function slope(points: readonly Point[]): number {
  const middle = points.reduce((sum, { at }) => sum + at, 0) / points.length;
  const mean = points.reduce((sum, { value }) => sum + value, 0) / points.length;
  const spread = points.reduce((sum, { at }) => sum + (at - middle) ** 2, 0);
  return points.reduce((sum, { at, value }) => sum + (at - middle) * (value - mean), 0) / spread;
}

function longestLife(samples: readonly ProcessSample[]): readonly ProcessSample[] {
  const oldest = samples.reduce<ProcessSample | undefined>((best, sample) => (best && best.age >= sample.age ? best : sample), undefined);
  return samples.filter(({ pid }) => pid === oldest?.pid);
}
