import { EdgeFlowError } from '../errors.js';
import { QoS } from '../qos.js';
import type { GraphLink, LinkOptions } from './graph.js';

/** A node as `system.node` returns it, to be named in links. */
export interface NodeHandle {
  readonly name: string;
}

/** Adds links that start from one node; made by `system.link`. */
export class Linker {
  readonly #source: NodeHandle;
  readonly #add: (link: GraphLink) => void;

  constructor(source: NodeHandle, add: (link: GraphLink) => void) {
    this.#source = source;
    this.#add = add;
  }

  /**
   * Links the source to a target.
   *
   * @returns a linker that starts from the target, so that a chain reads from left to right.
   * @throws EdgeFlowError `GRAPH_INVALID` for a quality of service that there is not.
   */
  to(target: NodeHandle, qos: QoS, options: LinkOptions = {}): Linker {
    if (!Object.values(QoS).includes(qos))
      throw new EdgeFlowError(
        'GRAPH_INVALID',
        `link from '${this.#source.name}' to '${target.name}': qos is '${qos}'; expected QoS.REALTIME or QoS.DURABLE`,
      );
    this.#add({ source: this.#source.name, target: target.name, qos, options });
    return new Linker(target, this.#add);
  }
}
