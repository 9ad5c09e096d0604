import { useOf } from './processes.js';
import type { Stage } from './stage.js';
import type { Supervised } from './supervised.js';

/** What one process held at one moment of its life. */
export interface ProcessSample {
  /** Seconds since the run began. */
  readonly at: number;
  /** Seconds since this process was first seen. */
  readonly age: number;
  readonly pid: number;
  readonly rss: number;
  readonly own: number;
  readonly files: number;
  /** Active timers and other handles; of the supervisor alone. */
  readonly handles?: number;
}

/** What a file took at one moment. */
export interface FileSample {
  readonly at: number;
  readonly bytes: number;
}

const everyMs = 1_000;

/** Looks at all processes and files of a run each second. */
export class Sampler {
  readonly processes = new Map<string, ProcessSample[]>();
  readonly files = new Map<string, FileSample[]>();
  readonly #system: Supervised;
  readonly #stage: Stage;
  readonly #began = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(system: Supervised, stage: Stage) {
    this.#system = system;
    this.#stage = stage;
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const at = (performance.now() - this.#began) / 1_000;
    const { pid, handles } = this.#system;
    if (pid !== undefined) this.#note('supervisor', pid, at, handles);
    for (const [name, worker] of this.#system.workers()) this.#note(name, worker, at);
    for (const [name, server] of Object.entries(this.#stage.servers)) this.#note(name, server.pid, at);
    for (const [name, bytes] of Object.entries(this.#stage.fileBytes())) listOf(this.files, name).push({ at, bytes });
  }

  #note(name: string, pid: number, at: number, handles?: number): void {
    const use = useOf(pid);
    if (!use) return;
    const samples = listOf(this.processes, name);
    const last = samples.at(-1);
    const age = last?.pid === pid ? last.age + at - last.at : 0;
    samples.push({ at, age, pid, ...use, ...(handles === undefined ? {} : { handles }) });
  }
}

function listOf<T>(lists: Map<string, T[]>, name: string): T[] {
  let list = lists.get(name);
  if (!list) lists.set(name, (list = []));
  return list;
}
