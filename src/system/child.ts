import type { Readable } from 'node:stream';
import { codeOf, errorMessage } from '../errors.js';
import type { LogFields } from './log.js';
import type { FromWorker, WorkerReport } from './protocol.js';
import { readLines } from './readLines.js';

export type WorkerFailure = Extract<FromWorker, { type: 'failed' }>;

/** How a child ended. */
export interface ChildExit {
  /** Its stream completed and all was settled. */
  readonly done: boolean;
  /** What was seen of its end, such as an exit code, for people. */
  readonly how: string;
  /** What it said of its failure before it ended. */
  readonly failure: WorkerFailure | undefined;
}

export interface ChildEvents {
  readonly onReady: () => void;
  readonly onReport: (report: WorkerReport) => void;
  /** Asked to pause, it takes nothing more, and has settled what it had open. */
  readonly onPaused: () => void;
  readonly onLine: (line: string, fields?: LogFields) => void;
  /** Called once; what the child had open at the broker is then free for the next. */
  readonly onExit: (exit: ChildExit) => void;
}

/** One run of a replica: a process, a thread, or a stream in the main process. */
export interface Child {
  readonly pid: number | undefined;
  /** Lets a source begin. */
  go(): void;
  /** It takes no more, and settles what it has open, until it is to go on. */
  pause(): void;
  resume(): void;
  /** It takes no more, settles what it has open, and ends. */
  stop(): void;
  /** It ends now; what it has open stays at the broker. */
  kill(): void;
}

/** What a child says of the error that ends it. */
export function failureOf(error: unknown): WorkerFailure {
  const code = codeOf(error);
  // EdgeFlow's own errors explain themselves; of any other the stack helps.
  const stack = code === undefined && error instanceof Error ? error.stack : undefined;
  return { type: 'failed', code, message: stack ?? errorMessage(error) };
}

/** What the command line tool reads: may hold passwords, which workers, and what they start, need not inherit. */
const brokerVariables = ['EDGEFLOW_CONTROL_URL', 'EDGEFLOW_DATA_URL'];

/** The environment of a worker. */
export function workerEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !brokerVariables.includes(name)));
}

/** Passes on what a child says while it lives; the rest, which tells of its end, is the caller's. */
export function passOn(message: FromWorker, events: ChildEvents): Extract<FromWorker, { type: 'done' | 'failed' }> | undefined {
  switch (message.type) {
    case 'ready':
      events.onReady();
      return undefined;
    case 'report':
      events.onReport(message.report);
      return undefined;
    case 'log':
      events.onLine(message.line, message.fields);
      return undefined;
    case 'paused':
      events.onPaused();
      return undefined;
    case 'done':
    case 'failed':
      return message;
  }
}

/** Passes on the lines that a child, or a package in it, prints. */
export function passLines(stdout: Readable | null, stderr: Readable | null, { onLine }: ChildEvents): void {
  for (const [input, level] of [[stdout, 'info'] as const, [stderr, 'error'] as const])
    if (input) readLines(input, (line) => onLine(line, { level }));
}
