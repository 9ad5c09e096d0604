import { checkNames, checkObject, checkOptions, shown } from '../checkOptions.js';
import { EdgeFlowError } from '../errors.js';
import { checkReading } from '../flow/fromBroker.js';
import { QoS } from '../qos.js';
import type { GraphLink, LinkOptions, ShadowOptions } from './graph.js';

const shadowNames: Readonly<Record<keyof ShadowOptions, true>> = { concurrency: true, as: true };
const linkNames: Readonly<Record<keyof LinkOptions, true>> = { ...shadowNames, prefetch: true, retry: true, payload: true };

/** A node as `system.node` returns it, to be named in links. */
export interface NodeHandle {
  readonly name: string;
}

/**
 * Adds links that start from one node; made by `system.link`.
 *
 * @example
 * ```ts
 * const system = new System('doors');
 * const doors = system.node(() => interval(1_000), { name: 'doors' });
 * const logger = system.node(logTo('doors.jsonl'), { name: 'logger' });
 * system.link(doors).to(logger, QoS.DURABLE);
 * export default system;
 * ```
 */
export class Linker {
  readonly #source: NodeHandle;
  readonly #add: (link: GraphLink) => void;

  constructor(source: NodeHandle, add: (link: GraphLink) => void) {
    checkHandle('link(…)', source);
    this.#source = source;
    this.#add = add;
  }

  /**
   * Links the source to a target.
   *
   * @returns a linker that starts from the target, so that a chain reads from left to right.
   * @throws EdgeFlowError `GRAPH_INVALID` for a quality of service that there is not, `OPTIONS_INVALID`
   */
  to(target: NodeHandle, qos: QoS, options: LinkOptions = {}): Linker {
    checkHandle(`link('${this.#source.name}').to(…)`, target);
    const link = `link from '${this.#source.name}' to '${target.name}'`;
    if (!Object.values(QoS).includes(qos))
      throw new EdgeFlowError('GRAPH_INVALID', `${link}: qos is ${shown(qos)}; expected QoS.REALTIME or QoS.DURABLE`);
    checkLinkOptions(link, options, linkNames);
    this.#add({ source: this.#source.name, target: target.name, qos, options });
    return new Linker(target, this.#add);
  }

  /**
   * Lets a node look on: it gets the newest value whenever it has time, as by REALTIME, and nothing live depends on it.
   *
   * What a shadow node emits goes to its own topic; the nodes that read it are shadows too, and so must be all that they read: a
   * node that compares takes the live values by a shadow link of its own. A shadow that crashes again and again is given up, and
   * the system goes on; its end does not wait for shadows.
   *
   * @returns a linker that starts from the target.
   * @example
   * ```ts
   * const system = new System('street');
   * const source = system.node('./nodes/camera.ts', { source: 'street.mp4' });
   * const yolo = system.node('./nodes/yolo.ts');
   * const candidate = system.node('./nodes/yolo.ts', { name: 'candidate', model: 'yolox-tiny' });
   * const compare = system.node('./nodes/compare.ts');
   * system.link(source).to(yolo, QoS.REALTIME);
   * system.link(source).shadow(candidate).to(compare, QoS.DURABLE);
   * system.link(yolo).shadow(compare);
   * export default system;
   * ```
   */
  shadow(target: NodeHandle, given: ShadowOptions = {}): Linker {
    checkHandle(`link('${this.#source.name}').shadow(…)`, target);
    checkLinkOptions(`link from '${this.#source.name}' to '${target.name}'`, given, shadowNames);
    const { concurrency, as } = given;
    // No views: a payload that is looked at in place stays in the topic until then.
    const options = { ...(concurrency !== undefined && { concurrency }), ...(as !== undefined && { as }) };
    this.#add({ source: this.#source.name, target: target.name, qos: QoS.REALTIME, options, shadow: true });
    return new Linker(target, this.#add);
  }
}

/** A handle comes from `system.node`; callers without types may give what they forgot to return. */
function checkHandle(where: string, node: Partial<NodeHandle> | null | undefined): void {
  if (typeof node?.name === 'string') return;
  throw new EdgeFlowError('GRAPH_INVALID', `${where} was given ${shown(node)}; expected a node, as system.node(…) returns it`);
}

function checkLinkOptions(link: string, options: LinkOptions, known: Readonly<Record<string, true>>): void {
  checkObject(link, options);
  checkNames(link, options, known);
  checkReading(link, options);
  checkOptions(link, [['as', options.as, typeof options.as === 'string' && options.as !== '', 'the name of an input']]);
}
