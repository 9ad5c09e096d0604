import type { StandardSchemaV1 } from '@standard-schema/spec';
import { EdgeFlowError } from './errors.js';

/** A named stream of values of one type: one producer node, any number of consumers. */
export interface Topic<T> {
  readonly name: string;
  /** Checks values where they enter and leave the broker. */
  readonly schema?: StandardSchemaV1<unknown, T> | undefined;
}

/** Options of {@link topic}. */
export interface TopicOptions<T> {
  /** Any Standard Schema, such as a zod object. Checked on publish and on receipt. @defaultValue none */
  readonly schema?: StandardSchemaV1<unknown, T>;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/**
 * Checks the name of a topic, group, reader or consumer.
 *
 * @throws EdgeFlowError `TOPIC_INVALID`
 */
export function checkName(kind: string, name: string): void {
  if (typeof name !== 'string' || !namePattern.test(name))
    throw new EdgeFlowError(
      'TOPIC_INVALID',
      `${kind} name ${typeof name === 'string' ? JSON.stringify(name.slice(0, 128)) : String(name)} is not usable: expected 1 to 128 letters, digits, '.', '_' or '-', starting with a letter or digit`,
    );
}

/**
 * Names a stream and the type of its values.
 *
 * @param name - 1 to 128 letters, digits, `.`, `_` or `-`.
 * @throws EdgeFlowError `TOPIC_INVALID` for another name.
 * @example
 * ```ts
 * const detections = topic<Detections>('detections');
 * fromBroker(detections, QoS.DURABLE).subscribe(({ objects }) => console.log(objects));
 * ```
 */
export function topic<T>(name: string, options: TopicOptions<T> = {}): Topic<T> {
  checkName('topic', name);
  return { name, schema: options.schema };
}

/**
 * Checks a value against the topic's schema, if there is one.
 *
 * @returns the value as the schema gives it back.
 * @throws EdgeFlowError `VALUE_INVALID`
 */
export async function validate<T>(topic: Topic<T>, value: unknown): Promise<T> {
  if (!topic.schema) return value as T;
  const result = await topic.schema['~standard'].validate(value);
  if (!result.issues) return result.value;
  const issues = result.issues.map((issue) => {
    const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
    return path ? `${path}: ${issue.message}` : issue.message;
  });
  throw new EdgeFlowError('VALUE_INVALID', `a value of topic '${topic.name}' does not fit its schema: ${issues.join('; ')}`);
}
