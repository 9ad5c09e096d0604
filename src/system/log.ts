import { redact } from '../redact.js';
import type { RunOptions } from './runningSystem.js';

/** What is known of a line besides its text. */
export interface LogFields {
  readonly level?: 'info' | 'warn' | 'error';
  readonly topic?: string | undefined;
  /** Id of the message that it is about. */
  readonly id?: string | undefined;
  /** Code of the error that it tells of. */
  readonly code?: string | undefined;
}

/** Takes the lines of a run. */
export type LogSink = (node: string, line: string, fields?: LogFields) => void;

/** A node that prints a picture as base64 shall not fill the disk, nor hide the other lines. */
const longestLine = 64 * 1024;

/** A line without credentials, cut where it is too long; cut first, it could show half a password. */
function printed(line: string): string {
  const text = redact(line);
  return text.length <= longestLine ? text : `${text.slice(0, longestLine)}… (${text.length - longestLine} more characters left out)`;
}

/** What takes the lines of a run: what the caller says, JSON on stderr, or text on stderr. */
export async function logSink({ onLog, log = 'text' }: Pick<RunOptions, 'onLog' | 'log'>, system: string): Promise<LogSink> {
  if (onLog) return onLog;
  if (log === 'text')
    return (node, line) => {
      for (const part of printed(line).split('\n')) process.stderr.write(`${node} | ${part}\n`);
    };
  const { pino } = await import('pino');
  const logger = pino({ base: { system } }, pino.destination({ fd: 2, sync: true }));
  return (node, line, { level = 'info', ...fields } = {}) => {
    logger[level]({ node, ...fields }, printed(line));
  };
}
