import { deliver } from './delivery.js';
import type { DeliveryOptions } from './delivery.js';

/** The open deliveries of one source, and the wait for room among them. */
export class DeliveryWindow {
  #open = 0;
  #parked = 0;
  #wake: (() => void) | undefined;
  readonly #onParked: ((change: 1 | -1) => void) | undefined;

  /** @param onParked - told of deliveries that begin (1) or cease (-1) to wait for further input. */
  constructor(onParked?: (change: 1 | -1) => void) {
    this.#onParked = onParked;
  }

  /** Deliveries that have not settled. */
  get open(): number {
    return this.#open;
  }

  /** Open deliveries that are being worked on. Those that wait for further input take no room, or they'd wait for ever. */
  get working(): number {
    return this.#open - this.#parked;
  }

  /** Emits one value inside a delivery of this window. */
  deliver(options: Omit<DeliveryOptions, 'onParked'>, emit: () => void): void {
    this.#open++;
    deliver(
      {
        ...options,
        onSettled: (settlement) => {
          this.#open--;
          options.onSettled(settlement);
          this.wake();
        },
        onParked: (parked) => {
          this.#parked += parked ? 1 : -1;
          this.#onParked?.(parked ? 1 : -1);
          this.wake();
        },
      },
      emit,
    );
  }

  /** Waits until a condition holds; it is looked at again after each `wake`. One caller at a time. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Something changed that an `until` may wait for. */
  wake(): void {
    this.#wake?.();
  }
}
