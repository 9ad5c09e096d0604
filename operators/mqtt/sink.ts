import { mapAsync } from 'edgeflow';
import { defer, finalize, merge, Subject, takeUntil, tap } from 'rxjs';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { withIdentity } from '../blobs/deliveryIdentity.js';
import { messageKey } from '../sinks/messageKey.js';
import { MqttConnection } from './connection.js';
import type { MqttConnectionSettings, MqttMessage } from './connection.js';

/** Publishes what is made of each value by a connection of the subscription's own, and passes the value on. */
export function mqttSink<T>(
  settings: Omit<MqttConnectionSettings, 'onHopeless'>,
  concurrency: number,
  start: () => (value: T) => readonly MqttMessage[],
): MonoTypeOperatorFunction<T> {
  const { operator } = settings;
  return (source) =>
    defer(() => {
      const hopeless = new Subject<never>();
      const connection = new MqttConnection({ ...settings, onHopeless: (error) => hopeless.error(error) });
      const messagesOf = start();
      connection.open();
      const closed = new Subject<void>();
      let completed = false;
      const published = source.pipe(
        withIdentity(operator),
        mapAsync(
          async ({ value, identity }) => {
            const id = identity === undefined ? undefined : messageKey(identity);
            await Promise.all(messagesOf(value).map((message) => connection.publish({ ...message, id })));
            return value;
          },
          { concurrency },
        ),
        tap({
          complete: () => {
            completed = true;
            closed.next();
          },
        }),
      );
      return merge(published, hopeless.pipe(takeUntil(closed))).pipe(
        finalize(() => {
          connection.close(!completed).catch((error: unknown) => {
            process.emitWarning(`${operator}: the connection could not be closed: ${String(error)}`, 'EdgeFlowWarning');
          });
        }),
      );
    });
}
