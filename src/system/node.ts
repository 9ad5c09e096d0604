import type { Observable } from 'rxjs';

/** What a node gets besides its input. */
export interface NodeContext<Options = Record<string, unknown>> {
  /** Name of the node in its System; also the name of its output topic. */
  readonly name: string;
  /** Number of this replica, from 0. */
  readonly replica: number;
  /** What was given to `system.node`, without the keys that the System itself reads. */
  readonly options: Options;
  /** Each input by the name of the node that it comes from. */
  readonly inputs: Readonly<Record<string, Observable<unknown>>>;
  /**
   * One input by the name of the node that it comes from.
   *
   * @throws EdgeFlowError `GRAPH_INVALID` where no link leads from there.
   */
  readonly input: <T>(source: string) => Observable<T>;
  /** Aborted when the node is to stop. */
  readonly signal: AbortSignal;
  /** Shows a short text about what the node is doing, in the live table and in `status()`. */
  readonly show: (note: string) => void;
}

/**
 * A node is an operator: from the merged inputs to what it publishes. A source has no inputs and ignores the first
 * parameter; a sink's values go nowhere.
 */
export type NodeOperator<In = unknown, Out = unknown, Options = Record<string, unknown>> = (
  input: Observable<In>,
  context: NodeContext<Options>,
) => Observable<Out>;

const nodeKey = Symbol.for('edgeflow.node');

/** What {@link defineNode} makes: an operator that is marked as a node. */
export type NodeDefinition<In = unknown, Out = unknown, Options = Record<string, unknown>> = NodeOperator<In, Out, Options> & {
  readonly [nodeKey]: true;
};

/**
 * Marks an operator as a node. Default-export the result from the module that `system.node` names.
 *
 * @example
 * ```ts
 * export default defineNode<Frame, Detections>((frames) => frames.pipe(detectYolo({ model: 'yolox-nano' })));
 * ```
 * A source, with options of its own:
 * ```ts
 * export default defineNode<never, Frame, CameraOptions>((_, { options }) => camera(options));
 * ```
 * A node of several inputs, by the names of the nodes that they come from:
 * ```ts
 * export default defineNode((_, { input }) => merge(input<Frame>('door'), input<Frame>('yard')));
 * ```
 */
export function defineNode<In = unknown, Out = unknown, Options = Record<string, unknown>>(
  operator: NodeOperator<In, Out, Options>,
): NodeDefinition<In, Out, Options> {
  return Object.assign((input: Observable<In>, context: NodeContext<Options>) => operator(input, context), { [nodeKey]: true as const });
}

/** Whether a module's export was made by {@link defineNode}. */
export function isNode(value: unknown): value is NodeDefinition {
  return typeof value === 'function' && nodeKey in value;
}
