import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { OnFull } from '../brokers/broker.js';
import { EdgeFlowError } from '../errors.js';
import { checkName } from '../topic.js';
import { checkExpectations } from './expects.js';
import type { NodeExpectations } from './expects.js';
import type { GraphLink, GraphNode } from './graph.js';
import { checkIsolation } from './isolation.js';
import type { Isolation } from './isolation.js';
import { Linker } from './linker.js';
import type { NodeHandle } from './linker.js';
import type { NodeOperator } from './node.js';

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
  /** What the node runs in, other than the rest of the system. @defaultValue the system's */
  readonly isolation?: Isolation;
  /** How much it emits and how long it works, for `edgeflow plan`. */
  readonly expects?: NodeExpectations;
  readonly [option: string]: unknown;
}

/** Options of a {@link Fragment}. */
export interface FragmentOptions {
  /** What paths of node modules are relative to: mostly `import.meta.url`. @defaultValue the entry module of the System */
  readonly base?: string | URL;
}

/** How {@link Fragment.use} takes nodes over. */
export interface UseOptions {
  /** Put before the names of the nodes, with a `.` between. @defaultValue none */
  readonly prefix?: string;
}

/** A node whose module path may still be relative to the entry. */
export type PlacedNode = Omit<GraphNode, 'module'> & { readonly path: string | URL | undefined };

/**
 * Nodes and links that belong together, for a System to use: what a recipe returns.
 *
 * @example
 * ```ts
 * export function doorCounter(options: { readonly source: string }) {
 *   const fragment = new Fragment({ base: import.meta.url });
 *   const camera = fragment.node('./nodes/camera.js', options);
 *   const counts = fragment.node('./nodes/counts.js');
 *   fragment.link(camera).to(counts, QoS.REALTIME);
 *   return Object.assign(fragment, { counts });
 * }
 *
 * const door = doorCounter({ source: 'door.mp4' });
 * system.use(door);
 * system.link(door.counts).to(logger, QoS.DURABLE);
 * ```
 */
export class Fragment {
  readonly #base: string | URL | undefined;
  readonly #nodes = new Map<string, PlacedNode>();
  readonly #links: GraphLink[] = [];
  /** Handles by what their nodes are called here: those of used fragments may have been made under another name. */
  readonly #names = new Map<NodeHandle, string>();

  constructor({ base }: FragmentOptions = {}) {
    this.#base = base;
  }

  /**
   * Adds a node: a module that default-exports `defineNode(…)`, or an operator.
   *
   * @param source - path of the module, relative to `base` or else to the entry module, or its URL; or the operator itself.
   * @throws EdgeFlowError `GRAPH_INVALID` for a name that is taken, `NODE_OPTIONS_INVALID` for options that are not plain
   * data.
   */
  node(source: string | URL | NodeOperator, options: NodeOptions = {}): NodeHandle {
    const { name: given, replicas = 1, maxRestarts = 10, emits, accepts, maxBytes, onFull, isolation, expects, ...rest } = options;
    const name = given ?? this.#freeName(defaultName(source));
    checkName('node', name);
    if (this.#nodes.has(name)) throw this.invalid(`two nodes are named '${name}', and both would publish its topic`);
    if (!Number.isInteger(replicas) || replicas < 1)
      throw new EdgeFlowError('NODE_OPTIONS_INVALID', `node '${name}': replicas is ${replicas}; expected a whole number of at least 1`);
    checkIsolation(`node '${name}'`, isolation, 'NODE_OPTIONS_INVALID');
    checkExpectations(name, expects);
    checkPlain(name, rest);
    const inline = typeof source === 'function';
    this.#nodes.set(name, {
      name,
      operator: inline ? source : undefined,
      path: inline ? undefined : this.#placed(source),
      options: rest,
      replicas,
      maxRestarts,
      emits,
      accepts,
      maxBytes,
      onFull,
      isolation,
      expects,
    });
    const handle = { name };
    this.#names.set(handle, name);
    return handle;
  }

  /** Begins a link from a node. */
  link(source: NodeHandle): Linker {
    return new Linker(source, ({ source: from, target, ...link }) => {
      this.#links.push({ ...link, source: this.#nameOf(from), target: this.#nameOf(target) });
    });
  }

  /**
   * Takes over the nodes and links of a fragment, or of another System, as they stand. Its handles can be linked here from
   * then on. Its nodes see their inputs by the names that the fragment gave them, whatever the prefix.
   *
   * The broker and the isolation of a System that is used do not count; those of the one that runs do.
   *
   * @returns the fragment, so that `const door = system.use(doorCounter(…))` can be written.
   * @throws EdgeFlowError `GRAPH_INVALID` for a name that is taken, and for a fragment that is used here already;
   * `TOPIC_INVALID` for a prefix that is not letters, digits, `.`, `_`, `-`.
   */
  use<F extends Fragment>(fragment: F, { prefix }: UseOptions = {}): F {
    if (prefix !== undefined) checkName('prefix', prefix);
    const { nodes, links, names } = Fragment.#partsOf(fragment);
    const rename = (name: string): string => (prefix === undefined ? name : `${prefix}.${name}`);
    const again = [...names.keys()].find((handle) => this.#names.has(handle));
    if (again)
      throw this.invalid(`the fragment with node '${again.name}' is used twice, and a link to it could mean either; make a second one`);
    const taken = nodes.map(({ name }) => rename(name)).filter((name) => this.#nodes.has(name));
    if (taken.length > 0)
      throw this.invalid(
        `a fragment brings '${taken.join("', '")}', and there is one of that name already; give the fragment a prefix: use(fragment, { prefix: … })`,
      );
    for (const node of nodes) {
      checkName('node', rename(node.name));
      this.#nodes.set(rename(node.name), { ...node, name: rename(node.name) });
    }
    for (const link of links)
      this.#links.push({ ...link, source: rename(link.source), target: rename(link.target), as: link.as ?? link.source });
    for (const [handle, name] of names) this.#names.set(handle, rename(name));
    return fragment;
  }

  /** @internal */
  protected get nodes(): readonly PlacedNode[] {
    return [...this.#nodes.values()];
  }

  /** @internal */
  protected get links(): readonly GraphLink[] {
    return this.#links;
  }

  /** @internal */
  protected invalid(message: string): EdgeFlowError {
    return new EdgeFlowError('GRAPH_INVALID', `fragment: ${message}`);
  }

  static #partsOf(fragment: Fragment): { nodes: PlacedNode[]; links: GraphLink[]; names: Map<NodeHandle, string> } {
    return { nodes: [...fragment.#nodes.values()], links: [...fragment.#links], names: new Map(fragment.#names) };
  }

  #placed(path: string | URL): string | URL {
    return typeof path === 'string' && this.#base !== undefined && !path.startsWith('file:') ? new URL(path, this.#base) : path;
  }

  #nameOf(handle: NodeHandle): string {
    return this.#names.get(handle) ?? handle.name;
  }

  #freeName(name: string): string {
    for (let count = 2, free = name; ; count++) {
      if (!this.#nodes.has(free)) return free;
      free = `${name}-${count}`;
    }
  }
}

function defaultName(source: string | URL | NodeOperator): string {
  if (typeof source === 'function') return source.name || 'node';
  const path = source instanceof URL ? source.pathname : source;
  return basename(path, extname(path));
}

/** The URL of a node module. */
export function moduleUrl(path: string | URL, folder: string): string {
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
