import type * as OpenTelemetryApi from '@opentelemetry/api';
import type { Span, SpanContext } from '@opentelemetry/api';
import { traceparentOf } from '../codec.js';
import type { DeliveryStart, DeliveryWatch } from './deliveries.js';
import { QoS } from '../qos.js';
import type { Telemetry } from './telemetry.js';

type Api = typeof OpenTelemetryApi;

/** Where @opentelemetry/api keeps what an SDK has registered, in every copy of its first major version. */
const registration = Symbol.for('opentelemetry.js.api.1');

/**
 * Makes spans where the program, or a node's module, has registered an OpenTelemetry SDK; without one nothing is loaded. One
 * span a delivery, under the span of what the message came from: its W3C trace context travels in the message.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ and https://www.w3.org/TR/trace-context/
 * @param node - whose spans they are.
 */
export async function findTelemetry(node: string): Promise<Telemetry | undefined> {
  const registered = (globalThis as { readonly [registration]?: { readonly trace?: unknown } })[registration];
  if (registered?.trace === undefined) return undefined;
  return new OpenTelemetry(await import('@opentelemetry/api'), node);
}

class OpenTelemetry implements Telemetry {
  readonly #api: Api;
  readonly #node: string;

  constructor(api: Api, node: string) {
    this.#api = api;
    this.#node = node;
  }

  delivery({ link: { topic, qos }, message }: DeliveryStart): DeliveryWatch {
    const { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = this.#api;
    const origin = parse(traceparentOf(message.meta));
    const parent = origin ? trace.setSpanContext(ROOT_CONTEXT, { ...origin, isRemote: true }) : ROOT_CONTEXT;
    const attempt = 'attempt' in message ? { 'edgeflow.message.attempt': Number(message.attempt) } : {};
    const attributes = {
      ...this.#attributes(topic, message.id),
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': this.#node,
      'edgeflow.qos': qos === QoS.DURABLE ? 'durable' : 'realtime',
      'edgeflow.message.seq': message.seq,
      ...attempt,
    };
    const span = this.#tracer().startSpan(`process ${topic}`, { kind: SpanKind.CONSUMER, attributes }, parent);
    const inside = trace.setSpan(parent, span);
    return {
      traceparent: format(span),
      run: (emit) => {
        context.with(inside, emit);
      },
      ended: (failed) => {
        if (failed) {
          span.recordException(failed.error instanceof Error ? failed.error : String(failed.error));
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      },
    };
  }

  publication(topic: string, id: string): string {
    const { context, SpanKind } = this.#api;
    const attributes = { ...this.#attributes(topic, id), 'messaging.operation.type': 'send' };
    const span = this.#tracer().startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, context.active());
    span.end();
    return format(span);
  }

  /** Asked for each time: a provider may be registered anew. */
  #tracer() {
    return this.#api.trace.getTracer('edgeflow');
  }

  #attributes(topic: string, id: string) {
    return { 'messaging.system': 'edgeflow', 'messaging.destination.name': topic, 'messaging.message.id': id, 'edgeflow.node': this.#node };
  }
}

/** A W3C `traceparent` of version 00. */
function format(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}

function parse(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '') ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId, traceFlags: parseInt(flags ?? '0', 16) };
}
