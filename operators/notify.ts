import { leasingOperator } from 'edgeflow';
import type { Delivery } from 'edgeflow';
import { asyncScheduler } from 'rxjs';
import type { OperatorFunction } from 'rxjs';
import { checkAtLeast, checkNeeded } from './checks.js';
import type { Alert } from './notify/alert.js';
import { runProgram } from './notify/runProgram.js';

/** Options of {@link notify}. */
export interface NotifyOptions<T> {
  /** Heading of the alert, or what makes it of the value. */
  readonly title: string | ((value: T) => string);
  /** Text of the alert, or what makes it of the value. */
  readonly message: string | ((value: T) => string);
  /** Least time between two alerts, in milliseconds; values between them are kept back and counted. @defaultValue 60000 */
  readonly throttleMs?: number;
  /** What is throttled on its own, such as the camera's name. @defaultValue all values together */
  readonly key?: (value: T) => string;
  /** A sink for alerts, such as `toWebhook(…)` or `toMqtt(…)`; or a program and its arguments, to which title and message are added. */
  readonly via: OperatorFunction<Alert, unknown> | readonly [program: string, ...args: string[]];
}

/** The last alert of a key. */
interface Sent {
  readonly time: number;
  readonly delivery: Delivery | undefined;
  readonly reported: number;
  keptBack: number;
}

/** Most keys that are remembered: what was not seen for longest goes first. */
const mostKeys = 10_000;

/**
 * Sends an alert for a value, but no more than one in a while.
 *
 * ```
 * in   --a-b-c---------d--|
 *      notify({ title, message, throttleMs: 10, via })
 * out  --A-------------D--|     D says that 2 were kept back
 * ```
 *
 * The alert of a message that is delivered again is not kept back for the first attempt's sake.
 *
 * - **Emits** what `via` emits; for a program, the alert.
 * - **Settles** values that are kept back at once, others when their alert is sent.
 * - **Fails** as `via` does; a program that ends with an error fails the delivery with `SINK_REFUSED`.
 *
 * @throws EdgeFlowError `OPTIONS_INVALID`
 * @example
 * ```ts
 * persons.pipe(notify({ title: 'Door', message: 'somebody is there', via: ['notify-send', '--urgency=critical'] })).subscribe();
 * ```
 */
export function notify<T>(options: NotifyOptions<T>): OperatorFunction<T, unknown> {
  const { title, message, throttleMs = 60_000, key = (): string => '', via } = options;
  checkAtLeast('notify', 'throttleMs', throttleMs, 0);
  for (const [name, found] of Object.entries({ title, message }))
    checkNeeded('notify', name, found, typeof found === 'string' || typeof found === 'function', 'a text, or a function that makes it');
  const sends = typeof via === 'function' || (Array.isArray(via) && Boolean(via[0]));
  checkNeeded('notify', 'via', via, sends, 'a sink such as toWebhook(…), or a program and its arguments');
  const text = (from: string | ((value: T) => string), value: T): string => (typeof from === 'function' ? from(value) : from);

  const throttle = leasingOperator<T, Alert>('notify', (output) => {
    const sent = new Map<string, Sent>();
    return {
      next: (value, lease) => {
        try {
          const name = key(value);
          const { delivery } = lease;
          const last = sent.get(name);
          const time = asyncScheduler.now();
          const again = delivery?.id !== undefined && last?.delivery?.id === delivery.id && last.delivery !== delivery;
          if (last && !again && time - last.time < throttleMs) last.keptBack++;
          else {
            const reported = (again ? last.reported : last?.keptBack) ?? 0;
            remember(sent, name, { time, delivery, reported, keptBack: again ? last.keptBack : 0 });
            const alert = { title: text(title, value), message: text(message, value), time, keptBack: reported };
            lease.run(() => {
              output.next(alert);
            });
          }
          lease.release();
        } catch (error) {
          lease.fail(error);
        }
      },
    };
  });
  const send: OperatorFunction<Alert, unknown> = typeof via === 'function' ? via : runProgram(via);
  return (source) => source.pipe(throttle, send);
}

function remember(sent: Map<string, Sent>, name: string, alert: Sent): void {
  sent.delete(name);
  sent.set(name, alert);
  const [oldest] = sent.keys();
  if (sent.size > mostKeys && oldest !== undefined) sent.delete(oldest);
}
