import { checkNames, checkObject, checkOptions, isAtLeast, isObject, oneOf } from '../checkOptions.js';
import type { OptionCheck } from '../checkOptions.js';
import { EdgeFlowError } from '../errors.js';
import { checkIsolation } from './isolation.js';
import type { RunOptions, TraceOptions } from './runningSystem.js';

const runNames: Readonly<Record<keyof RunOptions, true>> = {
  broker: true,
  entry: true,
  resume: true,
  reset: true,
  isolation: true,
  drainMs: true,
  onLog: true,
  log: true,
  trace: true,
  handleSignals: true,
};
const traceNames: Readonly<Record<keyof TraceOptions, true>> = { sample: true };
const logs = ['text', 'json'];

/**
 * Checks what `system.run` was given, before anything is opened: a misspelt `reset` would discard messages.
 *
 * @param owner - whose run it is, for the message.
 * @throws EdgeFlowError `OPTIONS_INVALID`
 */
export function checkRunOptions(owner: string, options: RunOptions): void {
  checkObject(`${owner}: run`, options);
  checkNames(`${owner}: run`, options, runNames);
  const { broker, entry, resume, reset, isolation, drainMs, onLog, log, trace, handleSignals } = options;
  checkIsolation(owner, isolation, 'OPTIONS_INVALID');
  checkOptions(owner, [
    brokerCheck(broker),
    ['entry', entry, typeof entry === 'string', 'the path of a module'],
    ['resume', resume, typeof resume === 'boolean', 'true or false'],
    ['reset', reset, typeof reset === 'boolean' || reset === 'namespace', "true, false or 'namespace'"],
    ['drainMs', drainMs, isAtLeast(drainMs, 0), 'milliseconds, at least 0, or Infinity'],
    ['onLog', onLog, typeof onLog === 'function', 'a function'],
    ['log', log, logs.some((form) => form === log), oneOf(logs)],
    ['trace', trace, isObject(trace), 'an object such as { sample: 1 }'],
    ['handleSignals', handleSignals, typeof handleSignals === 'boolean', 'true or false'],
  ]);
  checkNames(`${owner}: trace`, trace ?? {}, traceNames);
  const { sample } = trace ?? {};
  checkOptions(owner, [['trace.sample', sample, isAtLeast(sample, 0) && Number(sample) <= 1, 'a share from 0 to 1']]);
  if (resume && reset)
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `${owner}: resume delivers what an earlier run left, and reset discards it; expected one of the two at most`,
    );
}

/** Whatever can be opened passes for a broker: users may write their own. */
export function brokerCheck(broker: unknown): OptionCheck {
  const fine = isObject(broker) && 'open' in broker && typeof broker.open === 'function';
  return ['broker', broker, fine, 'a broker, such as new EmbeddedBroker()'];
}
