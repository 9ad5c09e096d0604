import type { Delivery } from 'edgeflow';

/** One delivery of a message, to be recognised later, without what the delivery keeps alive. */
export class Identity {
  readonly #id: string | undefined;
  readonly #delivery: WeakRef<Delivery> | undefined;

  constructor(delivery: Delivery | undefined) {
    this.#id = delivery?.id;
    if (delivery && this.#id !== undefined) this.#delivery = new WeakRef(delivery);
  }

  /** Id of the message; undefined where the value came from no broker. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Whether this is the same message, delivered once more. Other values of the same delivery are not. */
  deliveredAgain(delivery: Delivery | undefined): boolean {
    return this.#id !== undefined && delivery?.id === this.#id && this.#delivery?.deref() !== delivery;
  }
}
