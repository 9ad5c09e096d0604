import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Broker } from '../brokers/broker.js';
import { EdgeFlowError } from '../errors.js';
import { checkName } from '../topic.js';
import { Fragment, moduleUrl } from './fragment.js';
import type { FragmentOptions } from './fragment.js';
import { checkGraph } from './graph.js';
import { checkIsolation } from './isolation.js';
import type { Isolation } from './isolation.js';
import type { Graph, GraphNode } from './graph.js';
import type { RunningSystem, RunOptions } from './runningSystem.js';
import { startSystem } from './start.js';
import { workerHook } from './workerHook.js';

/** Options of a {@link System}. */
export interface SystemOptions extends FragmentOptions {
  /** @defaultValue an embedded broker that is named after the system */
  readonly broker?: Broker;
  /** What nodes run in that do not say it themselves: see {@link RunOptions}. @defaultValue 'process' */
  readonly isolation?: Isolation;
}

/**
 * A graph of nodes and links. `run` turns each node into its own process, or another {@link RunOptions | isolation}.
 *
 * @example
 * ```ts
 * const system = new System('doorbell');
 * const camera = system.node('./nodes/camera.ts', { source: 'rtsp://door/1', fps: 30 });
 * const yolo = system.node('./nodes/yolo.ts', { replicas: 2 });
 * const logger = system.node('./nodes/logger.ts');
 * system.link(camera).to(yolo, QoS.REALTIME).to(logger, QoS.DURABLE);
 * system.link(camera).to(logger, QoS.DURABLE);
 * export default system;
 * ```
 */
export class System extends Fragment {
  readonly name: string;
  readonly #broker: Broker | undefined;
  readonly #isolation: Isolation | undefined;

  /**
   * @throws EdgeFlowError `TOPIC_INVALID` for a name that is not letters, digits, `.`, `_`, `-`; `OPTIONS_INVALID` for an
   * isolation that there is not.
   */
  constructor(name: string, { broker, isolation, base }: SystemOptions = {}) {
    super({ base });
    checkName('system', name);
    checkIsolation(`system '${name}'`, isolation, 'OPTIONS_INVALID');
    this.name = name;
    this.#broker = broker;
    this.#isolation = isolation;
  }

  /** The graph as it stands, with module paths made absolute against the entry's folder. */
  graph(entry?: string): Graph {
    const folder = entry === undefined ? process.cwd() : dirname(entry);
    const nodes = this.nodes.map(({ path, ...node }) => ({
      ...node,
      module: path === undefined ? undefined : moduleUrl(path, folder),
    }));
    return { name: this.name, nodes: new Map(nodes.map((node) => [node.name, node])), links: this.links };
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
    checkIsolation(`system '${this.name}'`, options.isolation, 'OPTIONS_INVALID');
    const entry = options.entry ?? process.argv[1];
    const graph = this.graph(entry);
    checkGraph(graph);
    checkModules(graph);
    const isolation = (node: GraphNode): Isolation => options.isolation ?? node.isolation ?? this.#isolation ?? 'process';
    return startSystem(graph, isolation, { ...options, entry, broker: options.broker ?? this.#broker });
  }

  protected override invalid(message: string): EdgeFlowError {
    return new EdgeFlowError('GRAPH_INVALID', `system '${this.name}': ${message}`);
  }
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
