import { defineRecipe, QoS, System } from 'edgeflow';
import { toMqtt, toWebhook, trackObjects, zones } from 'edgeflow/operators';
import type { Detections, Frame, ZoneEvent } from 'edgeflow/operators';
import { mergeMap } from 'rxjs';
import type { Observable } from 'rxjs';
import { detectorQoS, findPeople, modelFor, pavement, video, videoDefaults } from './parts/video.js';

/** Somebody who has stayed in the zone for too long. */
export type Loitering = ZoneEvent & { readonly source: string };

const defaults = {
  ...videoDefaults,
  /** The zone's corners. */
  zone: pavement,
  dwellMs: 3_000,
  /** MQTT broker; name and password are those of `MQTT_USERNAME` and `MQTT_PASSWORD`. */
  mqtt: 'mqtt://127.0.0.1',
  topic: 'edgeflow/loitering',
  /** Signed with `WEBHOOK_SECRET`, where there is one. */
  webhook: 'http://127.0.0.1:8080/loitering',
};

/**
 * Tells an MQTT broker and a web hook of each person who stays in a zone for too long, once.
 *
 * camera → detector → loiterers → mqtt, webhook
 */
export const loiteringAlert = defineRecipe(
  defaults,
  ({ source, fps, pace, model = modelFor(source), zone, dwellMs, mqtt, topic, webhook }) => {
    const system = new System('loitering-alert');
    const camera = system.node(() => video({ source, fps, pace }), { name: 'camera' });
    const detector = system.node((_, { input }) => input<Frame>('camera').pipe(findPeople(model)), { name: 'detector' });
    const loiterers = system.node(
      (_, { input }): Observable<Loitering> =>
        input<Detections>('detector').pipe(
          trackObjects(),
          zones({ zones: { zone }, dwellMs }),
          mergeMap(({ source, zoneEvents }) => zoneEvents.filter(({ type }) => type === 'dwell').map((event) => ({ ...event, source }))),
        ),
      { name: 'loiterers' },
    );
    const { MQTT_USERNAME: username, MQTT_PASSWORD: password, WEBHOOK_SECRET: secret } = process.env;
    const toBroker = system.node((_, { input }) => input<Loitering>('loiterers').pipe(toMqtt({ url: mqtt, topic, username, password })), {
      name: 'mqtt',
    });
    const toHook = system.node((_, { input }) => input<Loitering>('loiterers').pipe(toWebhook({ url: webhook, secret })), {
      name: 'webhook',
    });
    system.link(camera).to(detector, detectorQoS({ pace })).to(loiterers, QoS.DURABLE);
    // A link each: while one of them is down its alerts wait, and the other has its own.
    system.link(loiterers).to(toBroker, QoS.DURABLE);
    system.link(loiterers).to(toHook, QoS.DURABLE);
    return system;
  },
);
export default loiteringAlert;
