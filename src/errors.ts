/**
 * Every error EdgeFlow raises on purpose. The keys are stable codes that programs may test for; each value says in a
 * few words what went wrong. `docs/errors.md` has an entry for each with its mend.
 */
export const errorCodes = {
  // Delivery
  LEASE_ESCAPED: 'a value left the delivery scope through a raw asynchronous operator',
  // Topics and values
  TOPIC_INVALID: 'a topic, group or consumer name has a form that brokers cannot store',
  VALUE_INVALID: 'a value does not fit its topic',
  MESSAGE_TOO_LARGE: 'a message is larger than the broker takes',
  MESSAGE_CORRUPT: 'stored bytes are not the published bytes',
  // Brokers
  BROKER_CLOSED: 'the broker was closed',
  BROKER_CONFIG: 'the broker options are not usable',
  BROKER_UNREACHABLE: 'no server answers at the address',
  BROKER_AUTH: 'the server refused the credentials',
  BROKER_IN_USE: 'another main process runs on the same store',
  BROKER_FULL: 'the stored bytes are at their limit',
  BROKER_CORRUPT: 'the store holds other values than EdgeFlow wrote, or was deleted while it was used',
  BROKER_NOT_DEDICATED: 'the server holds keys that are not EdgeFlow’s',
  BROKER_MISSING_DEPENDENCY: 'a program or package that the broker needs is missing',
  TOPIC_UNDECLARED: 'the topic or the group was not declared on this broker',
  NOTHING_RETAINED: 'the topic keeps no messages to look back on',
  UNACKED_MESSAGES: 'an earlier run left messages that were not acked',
  // System
  GRAPH_INVALID: 'the graph of nodes and links cannot run',
  NODE_MODULE_MISSING: 'a node file does not exist',
  NODE_MODULE_INVALID: 'a node file does not export a node',
  NODE_OPTIONS_INVALID: 'node options are not plain data',
  NODE_GAVE_UP: 'a node crashed too often',
  NODE_ENDED: 'a node that is to be paused, resumed or restarted has ended',
  WORKER_MISMATCH: 'the worker built another graph than its supervisor',
  // Checks and tests
  SCHEDULE_INVALID: 'a schedule of faults cannot be read',
  DEPENDENCY_MISSING: 'an optional package is not installed',
  // Operators
  OPTIONS_INVALID: 'an option has a value that the operator cannot use',
  FRAME_INVALID: 'a frame does not hold what it says',
  DETECTIONS_INVALID: 'found objects are not where an object can be',
  BOX_INVALID: 'a box is not four numbers in their order',
  IMAGE_INVALID: 'bytes could not be decoded as a picture',
  SOURCE_MISSING: 'a video source does not exist',
  SOURCE_FAILED: 'a video source broke off',
  FFMPEG_MISSING: 'no ffmpeg was found',
  WEBCAM_FAILED: 'the webcam gave no picture',
  MODEL_MISSING: 'a model file does not exist',
  MODEL_INVALID: 'a file is not a model that can be used',
  MODEL_DOWNLOAD: 'a model could not be fetched',
  INFERENCE_FAILED: 'a model could not be run on a frame',
  TENSOR_INVALID: 'a tensor does not fit the model’s input',
  BLOB_INVALID: 'a blob reference or a blob file is not usable',
  BLOB_MISSING: 'a blob file is gone',
  STORE_FAILED: 'a file could not be written',
  SINK_UNREACHABLE: 'the target of a sink does not answer',
  SINK_REFUSED: 'the target of a sink refuses what it is given',
  ROW_INVALID: 'a row does not fit its table or file',
} as const;

/** A stable error code. */
export type ErrorCode = keyof typeof errorCodes;

/**
 * The one error class: `code` is stable, `message` says what was found, what was expected and what to do.
 *
 * @example
 * ```ts
 * try {
 *   await system.run();
 * } catch (error) {
 *   if (!(error instanceof EdgeFlowError && error.code === 'UNACKED_MESSAGES')) throw error;
 *   console.log(error.message); // how many messages wait, and for whom
 *   await system.run({ resume: true });
 * }
 * ```
 */
export class EdgeFlowError extends Error {
  override readonly name = 'EdgeFlowError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Text of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Text of anything that was thrown, behind its stable code where it has one. For logs and dead letters. */
export function describeError(error: unknown): string {
  const code = codeOf(error);
  return code === undefined ? errorMessage(error) : `${code}: ${errorMessage(error)}`;
}

/** The stable code of an EdgeFlow error; works across two copies of the package. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof Error && error.name === 'EdgeFlowError' && 'code' in error ? (error.code as ErrorCode) : undefined;
}

/**
 * Whether an error is one of EdgeFlow's with this code; true across two copies of the package.
 *
 * @example
 * ```ts
 * try {
 *   await inspectModel('models/typo.onnx');
 * } catch (error) {
 *   if (!hasCode(error, 'MODEL_MISSING')) throw error;
 *   console.log(await listModels());
 * }
 * ```
 */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return codeOf(error) === code;
}
