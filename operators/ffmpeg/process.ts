import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { Ffmpeg } from './locate.js';
import { redact, redactUrl } from './redact.js';

/** How an ffmpeg ended: an exit code, a signal, or an error where it could not be started. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

/** A running ffmpeg. */
export interface FfmpegRun {
  /** Null unless it was asked for. */
  readonly stdin: Writable | null;
  readonly stdout: Readable;
  readonly exited: Promise<Exit>;
  /** The last lines of stderr, without credentials. */
  readonly complaints: () => string[];
  /** Ends it: by SIGTERM, and by SIGKILL where that does not help. May be called more than once. */
  readonly stop: () => void;
}

const complaintBytes = 4_096;
const patienceMs = 2_000;

/** How ffmpeg is started. */
export interface StartOptions {
  /** Picks the complaints out of what it says. @defaultValue all of it */
  readonly complaintsIn?: (said: string) => string;
  /** `pipe` for an ffmpeg that is fed. @defaultValue 'ignore' */
  readonly stdin?: 'ignore' | 'pipe';
  /** Whether others of this machine go before it. @defaultValue false */
  readonly yields?: boolean;
}

/** Picks nothing out: all of what ffmpeg says. */
const everything = (said: string): string => said;

/** Starts ffmpeg without a shell. */
export function startFfmpeg(
  ffmpeg: Ffmpeg,
  args: readonly string[],
  { complaintsIn = everything, stdin = 'ignore', yields = false }: StartOptions = {},
): FfmpegRun {
  const [program, ...rest] = ffmpeg.command;
  const command = [...rest, ...args];
  const child =
    stdin === 'pipe'
      ? spawn(program, command, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
      : spawn(program, command, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
  if (yields) lowerPriority(child.pid);
  const urls = args.filter((argument) => argument.includes('://'));
  let tail = '';
  let killer: NodeJS.Timeout | undefined;
  let ended = false;

  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail += complaintsIn(text);
    // A word that is cut may be a url of which the beginning is gone, and then nobody knows it for one.
    if (tail.length > complaintBytes) tail = tail.slice(-complaintBytes).replace(/^\S*/, '');
  });
  const exited = new Promise<Exit>((resolve) => {
    const end = (exit: Exit): void => {
      ended = true;
      clearTimeout(killer);
      resolve(exit);
    };
    child.once('error', (error) => {
      end({ code: null, signal: null, error });
    });
    // 'close', not 'exit': stderr is complete then.
    child.once('close', (code, signal) => {
      end({ code, signal });
    });
  });

  return {
    stdin: child.stdin,
    stdout: child.stdout,
    exited,
    complaints: () =>
      redact(urls.reduce((said, url) => said.replaceAll(url, redactUrl(url)), tail))
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .slice(-6),
    stop: () => {
      child.stdout.destroy();
      if (ended || killer) return;
      child.kill('SIGTERM');
      killer = setTimeout(() => {
        child.kill('SIGKILL');
      }, patienceMs);
    },
  };
}

/** Before it has threads: Linux gives each its own priority, which begins with that of the one that starts it. */
function lowerPriority(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already, which is told otherwise.
  }
}
