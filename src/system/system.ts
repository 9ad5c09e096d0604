import { existsSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Broker, OnFull, Retention } from '../brokers/broker.js';
import { checkLimits } from '../brokers/options.js';
import { checkNames, checkObject, checkOptions, isCountOrInfinity, isObject, shown } from '../checkOptions.js';
import { EdgeFlowError } from '../errors.js';
import { redact } from '../redact.js';
import { checkName } from '../topic.js';
import { brokerCheck, checkRunOptions } from './checkRunOptions.js';
import { checkExpectations } from './expects.js';
import type { NodeExpectations } from './expects.js';
import { checkGraph } from './graph.js';
import { checkIsolation } from './isolation.js';
import type { Isolation } from './isolation.js';
import type { Graph, GraphLink, GraphNode } from './graph.js';
import { Linker } from './linker.js';
import type { NodeHandle } from './linker.js';
import type { NodeOperator } from './node.js';
import type { RunningSystem, RunOptions } from './runningSystem.js';
import { workerHook } from './workerHook.js';

/** Options of a {@link System}. */
export interface SystemOptions {
  /** @defaultValue an embedded broker that is named after the system */
  readonly broker?: Broker;
  /** What nodes run in that do not say it themselves: see {@link RunOptions}. @defaultValue 'process' */
  readonly isolation?: Isolation;
}

const systemNames: Readonly<Record<keyof SystemOptions, true>> = { broker: true, isolation: true };

/** What `system.node` takes. Keys that are not named here are given to the node as its `options`: plain data only. */
export interface NodeOptions {
  /** Name of the node and of its output topic. @defaultValue the file's or the function's name */
  readonly name?: string;
  /** Processes, or threads, that share the node's input. @defaultValue 1 */
  readonly replicas?: number;
  /** Restarts in a row, without a minute of health between, after which the system stops. @defaultValue 10 */
  readonly maxRestarts?: number;
  /** Name of the type of the output; a link to a node that accepts another is an error. */
  readonly emits?: string;
  /** Name of the type of the input. */
  readonly accepts?: string;
  /** Bound of the bytes that the node's topic stores. @defaultValue 256 MiB */
  readonly maxBytes?: number;
  /** What a publish does at that bound; 'replace' is for nodes whose links are all REALTIME. @defaultValue 'wait' */
  readonly onFull?: OnFull;
  /** What its topic keeps of messages that nobody needs any more, for `lookBack`. @defaultValue nothing */
  readonly retain?: Retention;
  /** What the node runs in, other than the rest of the system. @defaultValue the system's */
  readonly isolation?: Isolation;
  /** How much it emits and how long it works, for `edgeflow plan`. */
  readonly expects?: NodeExpectations;
  readonly [option: string]: unknown;
}

const retainNames: Readonly<Record<keyof Retention, true>> = { seconds: true, bytes: true };

/** Options of `system.use`. */
export interface UseOptions {
  /** Put before the names of the nodes that join, with a dot: so that the same recipe can join twice. @defaultValue none */
  readonly prefix?: string;
}

const useNames: Readonly<Record<keyof UseOptions, true>> = { prefix: true };

/**
 * A graph of nodes and links. `run` turns each node into its own process, or another {@link RunOptions | isolation}.
 *
 * @example
 * ```ts
 * const system = new System('doorbell');
 * const frames = system.node('./nodes/camera.ts', { source: 'rtsp://door/1', fps: 30 });
 * const yolo = system.node('./nodes/yolo.ts', { replicas: 2 });
 * const logger = system.node('./nodes/logger.ts');
 * system.link(frames).to(yolo, QoS.REALTIME).to(logger, QoS.DURABLE);
 * system.link(frames).to(logger, QoS.DURABLE);
 * export default system;
 * ```
 */
export class System {
  readonly name: string;
  readonly #broker: Broker | undefined;
  readonly #isolation: Isolation | undefined;
  readonly #nodes = new Map<string, GraphNode & { readonly path: string | URL | undefined }>();
  readonly #links: GraphLink[] = [];

  /**
   * @throws EdgeFlowError `TOPIC_INVALID` for a name that is not letters, digits, `.`, `_`, `-`; `OPTIONS_INVALID` for an
   * isolation that there is not, or what is no broker.
   */
  constructor(name: string, options: SystemOptions = {}) {
    checkName('system', name);
    checkObject(`system '${name}'`, options);
    checkNames(`system '${name}'`, options, systemNames);
    const { broker, isolation } = options;
    checkIsolation(`system '${name}'`, isolation, 'OPTIONS_INVALID');
    checkOptions(`system '${name}'`, [brokerCheck(broker)]);
    this.name = name;
    this.#broker = broker;
    this.#isolation = isolation;
  }

  /**
   * Adds a node: a module that default-exports `defineNode(…)`, or an operator.
   *
   * What an operator takes is written at its parameter: `(frames: Observable<Frame>) => …`; one that is made, such as `detectYolo()`,
   * has it with it. Where it names the type of its context, `NodeContext<MyOptions>`, the options are checked against it.
   *
   * @param source - path of the module, relative to the entry module, or its URL; or the operator itself.
   * @throws EdgeFlowError `GRAPH_INVALID` for a name that is taken and for what is neither a path nor an operator, `NODE_OPTIONS_INVALID`
   * for options that are not plain data or out of their range, `TOPIC_INVALID` for a name that brokers cannot store.
   */
  node<In = unknown, Out = unknown, Options = Record<string, unknown>>(
    source: string | URL | NodeOperator<In, Out, Options>,
    options: NodeOptions & Partial<NoInfer<Options>> = {},
  ): NodeHandle {
    if (typeof source !== 'string' && typeof source !== 'function' && !(source instanceof URL))
      throw new EdgeFlowError(
        'GRAPH_INVALID',
        `system '${this.name}': node(…) was given ${shown(source)}; expected the path or URL of a module, or an operator`,
      );
    if (typeof source !== 'function' && !isPath(source))
      throw new EdgeFlowError(
        'GRAPH_INVALID',
        `system '${this.name}': node(…) was given ${redact(String(source))}; expected the path of a module, or its file: URL`,
      );
    checkObject(`system '${this.name}': node(${shown(source)})`, options, 'NODE_OPTIONS_INVALID');
    const { name: given, replicas = 1, maxRestarts = 10, emits, accepts, maxBytes, onFull, retain, isolation, expects, ...rest } = options;
    const name = given ?? this.#freeName(defaultName(source));
    checkName('node', name);
    if (this.#nodes.has(name))
      throw new EdgeFlowError('GRAPH_INVALID', `system '${this.name}': two nodes are named '${name}', and both would publish its topic`);
    if (!Number.isInteger(replicas) || replicas < 1)
      throw new EdgeFlowError(
        'NODE_OPTIONS_INVALID',
        `node '${name}': replicas is ${shown(replicas)}; expected a whole number of at least 1`,
      );
    checkIsolation(`node '${name}'`, isolation, 'NODE_OPTIONS_INVALID');
    checkOptions(
      `node '${name}'`,
      [
        ['maxRestarts', maxRestarts, isCountOrInfinity(maxRestarts, 0), 'a whole number of at least 0, or Infinity'],
        ['emits', emits, typeof emits === 'string', 'the name of a type'],
        ['accepts', accepts, typeof accepts === 'string', 'the name of a type'],
      ],
      'NODE_OPTIONS_INVALID',
    );
    checkNames(`node '${name}': retain`, retain ?? {}, retainNames, 'NODE_OPTIONS_INVALID');
    checkLimits(`node '${name}'`, { maxBytes, onFull, retain }, 'NODE_OPTIONS_INVALID');
    checkExpectations(name, expects);
    checkPlain(name, rest);
    const inline = typeof source === 'function';
    this.#nodes.set(name, {
      name,
      module: undefined,
      // The types of what comes in are the user's word: who runs the node reads bytes and plain data.
      operator: inline ? (source as NodeOperator) : undefined,
      path: inline ? undefined : source,
      options: rest,
      replicas,
      maxRestarts,
      emits,
      accepts,
      maxBytes,
      onFull,
      retain,
      isolation,
      expects,
    });
    return { name };
  }

  /** Begins a link from a node. */
  link(source: NodeHandle): Linker {
    return new Linker(source, (link) => this.#links.push(link));
  }

  /**
   * Takes in the nodes and links of another System, such as a recipe's. Its broker and isolation stay behind; its nodes see their
   * inputs under the names that they know.
   *
   * @returns the handles of its nodes by their own names, to be linked further.
   * @throws EdgeFlowError `GRAPH_INVALID` for a name that is taken, for a name that is asked for and not there, and for itself.
   * @example
   * ```ts
   * const door = system.use(peopleCounter({ source: 'door.mp4', line }), { prefix: 'door' });
   * system.link(door('counter')).to(logger, QoS.DURABLE);
   * export default system;
   * ```
   */
  use(fragment: System, options: UseOptions = {}): (node: string) => NodeHandle {
    if (!isObject(fragment) || !(#nodes in fragment))
      throw new EdgeFlowError('GRAPH_INVALID', `system '${this.name}': use(…) was given something else than a System of this package`);
    if (fragment === this) throw new EdgeFlowError('GRAPH_INVALID', `system '${this.name}': it is to use itself; expected another System`);
    checkObject(`system '${this.name}': use(…)`, options);
    checkNames(`system '${this.name}': use(…)`, options, useNames);
    const { prefix } = options;
    if (prefix !== undefined) checkName('prefix', prefix);
    const nameOf = (name: string): string => (prefix === undefined ? name : `${prefix}.${name}`);
    for (const node of fragment.#nodes.values()) {
      checkName('node', nameOf(node.name));
      if (this.#nodes.has(nameOf(node.name)))
        throw new EdgeFlowError(
          'GRAPH_INVALID',
          `system '${this.name}': it has a node '${nameOf(node.name)}' already, and so has '${fragment.name}', which it is to use; give a prefix`,
        );
    }
    for (const node of fragment.#nodes.values()) this.#nodes.set(nameOf(node.name), { ...node, name: nameOf(node.name) });
    for (const { source, target, options, ...link } of fragment.#links)
      this.#links.push({
        ...link,
        source: nameOf(source),
        target: nameOf(target),
        options: prefix === undefined ? options : { as: source, ...options },
      });
    const names = new Set(fragment.#nodes.keys());
    return (name) => {
      if (names.has(name)) return { name: nameOf(name) };
      throw new EdgeFlowError('GRAPH_INVALID', `'${fragment.name}' has no node '${name}'; it has ${[...names].join(', ')}`);
    };
  }

  /** The graph as it stands, with module paths made absolute against the entry's folder. */
  graph(entry?: string): Graph {
    const folder = entry === undefined ? process.cwd() : dirname(entry);
    const nodes = [...this.#nodes.values()].map(({ path, ...node }) => ({
      ...node,
      module: path === undefined ? undefined : moduleUrl(path, folder),
    }));
    return { name: this.name, nodes: new Map(nodes.map((node) => [node.name, node])), links: this.#links };
  }

  /**
   * Checks the graph, resets the broker, and starts one process a node and replica, or what `isolation` says.
   *
   * In a worker, which imports the same entry module, it only hands over the graph and never returns.
   *
   * @returns a handle once all nodes have been started.
   * @throws EdgeFlowError `GRAPH_INVALID`, `OPTIONS_INVALID`, `NODE_MODULE_MISSING`, `BROKER_CONFIG`, `UNACKED_MESSAGES`, `BROKER_NOT_DEDICATED`,
   * `BROKER_UNREACHABLE`, `BROKER_AUTH`
   */
  async run(options: RunOptions = {}): Promise<RunningSystem> {
    const hook = workerHook();
    if (hook) {
      hook(this);
      return new Promise<never>(() => undefined);
    }
    checkRunOptions(`system '${this.name}'`, options);
    const entry = options.entry ?? process.argv[1];
    const graph = this.graph(entry);
    checkGraph(graph);
    checkModules(graph);
    const isolation = (node: GraphNode): Isolation => options.isolation ?? node.isolation ?? this.#isolation ?? 'process';
    // Nodes import Systems too, to define themselves, and run none.
    const { startSystem } = await import('./start.js');
    return startSystem(graph, isolation, { ...options, entry, broker: options.broker ?? this.#broker });
  }

  #freeName(name: string): string {
    for (let count = 2, free = name; ; count++) {
      if (!this.#nodes.has(free)) return free;
      free = `${name}-${count}`;
    }
  }
}

function defaultName(source: string | URL | NodeOperator<never, unknown, never>): string {
  if (typeof source === 'function') return source.name || 'node';
  const path = source instanceof URL ? source.pathname : source;
  return basename(path, extname(path));
}

/** Whether a module can lie there: all urls but those of files are elsewhere. */
function isPath(source: string | URL): boolean {
  if (typeof source === 'string' && !source.startsWith('file:')) return true;
  try {
    return fileURLToPath(source) !== '';
  } catch {
    // Another scheme, or another host; the caller says so.
    return false;
  }
}

function moduleUrl(path: string | URL, folder: string): string {
  if (path instanceof URL) return path.href;
  return path.startsWith('file:') ? path : pathToFileURL(resolve(folder, path)).href;
}

function checkPlain(name: string, options: Record<string, unknown>): void {
  let copy: unknown;
  try {
    copy = JSON.parse(JSON.stringify(options));
  } catch {
    copy = undefined;
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  if (isDeepStrictEqual(copy, given)) return;
  throw new EdgeFlowError(
    'NODE_OPTIONS_INVALID',
    `node '${name}': its options must be plain data (text, numbers, booleans, null, lists and objects of them), ` +
      'because they travel to another process or thread; compute functions and class instances inside the node',
  );
}

function checkModules(graph: Graph): void {
  for (const { name, module } of graph.nodes.values()) {
    if (module === undefined || existsSync(fileURLToPath(module))) continue;
    throw new EdgeFlowError(
      'NODE_MODULE_MISSING',
      `node '${name}': there is no file ${fileURLToPath(module)}; node paths are relative to the entry module`,
    );
  }
}
