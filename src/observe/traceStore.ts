import { rootOf } from './trace.js';
import type { SkippedRange, TraceReport, TraceStep } from './trace.js';

/** Which message a trace is about: by its id, by its position in a topic, or as the value that a source made, from 0. */
export interface TraceQuery {
  readonly id?: string;
  readonly topic?: string;
  readonly seq?: number;
  readonly source?: string;
  readonly index?: number;
}

/** The way of one message through the nodes, in short. */
export interface TraceSummary {
  /** Id that the way began with. */
  readonly id: string;
  /** Where it began. */
  readonly topic: string;
  readonly seq: number;
  readonly published: number;
  /** When the last step of it ended; undefined while one is open. */
  readonly settled: number | undefined;
  readonly nodes: readonly string[];
  readonly outcome: TraceStep['outcome'];
}

interface Skip extends SkippedRange {
  readonly node: string;
}

const mostRoots = 2_000;
const mostSkips = 2_000;
const mostStepsOfRoot = 256;

/** Keeps what workers tell of traced messages: those of the newest ways. */
export class TraceStore {
  /** Steps by the id that their way began with, oldest first. */
  readonly #roots = new Map<string, Map<string, TraceStep>>();
  /** Passed over, oldest first. */
  readonly #skips: Skip[] = [];

  add(node: string, { steps, skipped }: TraceReport): void {
    for (const step of steps) this.#addStep({ ...step, node });
    for (const range of skipped) this.#skips.push({ ...range, node });
    if (this.#skips.length > mostSkips) this.#skips.splice(0, this.#skips.length - mostSkips);
  }

  /**
   * All known steps of a message, of what it was made of, and of what was made of it, in order of time.
   *
   * @throws EdgeFlowError `OPTIONS_INVALID`
   */
  find(query: TraceQuery): TraceStep[] {
    const topic = query.topic ?? query.source;
    const seq = query.seq ?? (query.index === undefined ? undefined : query.index + 1);
    const known = query.id === undefined ? this.#at(topic, seq) : this.#of(query.id)[0];
    const id = query.id ?? known?.id;
    const steps = id === undefined ? [] : this.#of(id).filter((step) => isOneLine(step.id, id));
    const places = new Map(steps.map((step) => [`${step.topic} ${step.seq}`, step]));
    if (topic !== undefined && seq !== undefined && places.size === 0)
      return byTime(this.#skipsAt(topic, seq).map((skip) => skipStep(skip, seq, undefined)));
    const skips = [...places.values()].flatMap((step) => this.#skipsAt(step.topic, step.seq).map((skip) => skipStep(skip, step.seq, step)));
    // What expired was delivered first: one step says both.
    const expired = new Set(
      skips.filter(({ reason }) => reason === 'expired').map(({ node, topic: of, seq: at }) => `${node} ${of} ${at}`),
    );
    const rest = steps.filter((step) => !expired.has(`${step.node} ${step.topic} ${step.seq}`));
    return byTime([...rest, ...skips]);
  }

  /** The newest ways, newest first. */
  newest(limit = 100): TraceSummary[] {
    return [...this.#roots]
      .slice(-limit)
      .reverse()
      .flatMap(([id, steps]) => summary(id, byTime([...steps.values()])));
  }

  #addStep(step: TraceStep): void {
    const root = rootOf(step.id);
    let steps = this.#roots.get(root);
    if (!steps) this.#roots.set(root, (steps = new Map<string, TraceStep>()));
    if (steps.size < mostStepsOfRoot) steps.set(`${step.node} ${step.topic} ${step.seq} ${step.started}`, step);
    if (this.#roots.size <= mostRoots) return;
    for (const oldest of this.#roots.keys()) {
      this.#roots.delete(oldest);
      break;
    }
  }

  #of(id: string): TraceStep[] {
    return [...(this.#roots.get(rootOf(id))?.values() ?? [])];
  }

  #at(topic: string | undefined, seq: number | undefined): TraceStep | undefined {
    for (const steps of this.#roots.values()) for (const step of steps.values()) if (step.topic === topic && step.seq === seq) return step;
    return undefined;
  }

  #skipsAt(topic: string, seq: number): Skip[] {
    return this.#skips.filter((skip) => skip.topic === topic && seq >= skip.first && seq <= skip.last);
  }
}

/** Whether one message is the other, or was made of it. */
function isOneLine(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}>`) || other.startsWith(`${one}>`);
}

function skipStep({ topic, node, time, reason }: Skip, seq: number, known: TraceStep | undefined): TraceStep {
  const { id = '', published } = known ?? {};
  return { id, topic, seq, node, published, received: undefined, started: undefined, settled: time, outcome: 'skipped', reason };
}

function byTime(steps: readonly TraceStep[]): TraceStep[] {
  const time = ({ started, settled, published }: TraceStep): number => started ?? settled ?? published ?? 0;
  return [...steps].sort((one, other) => time(one) - time(other));
}

function summary(id: string, steps: readonly TraceStep[]): TraceSummary[] {
  const [first] = steps;
  if (!first) return [];
  const ends = steps.map(({ settled }) => settled);
  const outcome = (['open', 'failed', 'skipped'] as const).find((state) => steps.some((step) => step.outcome === state)) ?? 'settled';
  return [
    {
      id,
      topic: first.topic,
      seq: first.seq,
      published: first.published ?? 0,
      settled: ends.includes(undefined) ? undefined : Math.max(...ends.map((end) => end ?? 0)),
      nodes: [...new Set(steps.map(({ node }) => node))],
      outcome,
    },
  ];
}
