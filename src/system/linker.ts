import { EdgeFlowError } from '../errors.js';
import { QoS } from '../qos.js';
import type { LinkOptions } from './graph.js';

/** A node as `system.node` returns it, to be named in links. */
export interface NodeHandle {
  readonly name: string;
}

/** A link, before its nodes have their names in a System. */
export interface LinkRequest {
  readonly source: NodeHandle;
  readonly target: NodeHandle;
  readonly qos: QoS;
  readonly options: LinkOptions;
}

/** Adds links that start from one node; made by `system.link`. */
export class Linker {
  readonly #source: NodeHandle;
  readonly #add: (link: LinkRequest) => void;

  constructor(source: NodeHandle, add: (link: LinkRequest) => void) {
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
    this.#add({ source: this.#source, target, qos, options });
    return new Linker(target, this.#add);
  }
}
