/** What stands behind a gate: a subscription that takes messages, or a source that makes values. */
export interface GateMember {
  /** Whether it takes nothing, and has nothing open that it works on. */
  readonly idle: () => boolean;
  /** The gate was closed or opened. */
  readonly changed: () => void;
}

/** Holds back all that a node takes, for as long as it is paused. What is open goes on, and settles. */
export class Gate {
  readonly #onIdle: () => void;
  readonly #members = new Set<GateMember>();
  #paused = false;
  #told = false;

  /** @param onIdle - called once a pause, when it has taken effect and nothing is worked on any more. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#told = false;
    this.#tellAll();
    this.check();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#tellAll();
  }

  /** @returns leaves. */
  join(member: GateMember): () => void {
    this.#members.add(member);
    return () => {
      this.#members.delete(member);
      this.check();
    };
  }

  /** A member may have become idle. */
  check(): void {
    if (!this.#paused || this.#told || ![...this.#members].every(({ idle }) => idle())) return;
    this.#told = true;
    this.#onIdle();
  }

  #tellAll(): void {
    for (const { changed } of [...this.#members]) changed();
  }
}
