/** What one client holds of one topic for one reader. */
interface OwnHold {
  readonly topic: string;
  readonly reader: string;
  /** Taken in place, and still looked at. */
  readonly inUse: Set<number>;
  /** Not looked at any more: the next transaction for the reader ends the hold. */
  readonly over: Set<number>;
}

/** The payloads that a client holds for its readers. */
export class OwnHolds {
  readonly #holds = new Map<string, OwnHold>();

  /** Notes a message that was taken; `inPlace` says that it is looked at until {@link letGo}. */
  taken(topic: string, reader: string, seq: number, inPlace: boolean): void {
    const hold = this.#of(topic, reader);
    (inPlace ? hold.inUse : hold.over).add(seq);
  }

  letGo(topic: string, reader: string, seqs: readonly number[]): void {
    const hold = this.#of(topic, reader);
    for (const seq of seqs) if (hold.inUse.delete(seq)) hold.over.add(seq);
  }

  /** Positions to let go of now; {@link ended} when that is committed. */
  over(topic: string, reader: string): readonly number[] {
    return [...this.#of(topic, reader).over];
  }

  ended(topic: string, reader: string, seqs: readonly number[]): void {
    const { over } = this.#of(topic, reader);
    for (const seq of seqs) over.delete(seq);
  }

  /** All of them, for the end. */
  *all(): Generator<{ readonly topic: string; readonly reader: string; readonly seq: number }> {
    for (const { topic, reader, inUse, over } of this.#holds.values()) for (const seq of [...inUse, ...over]) yield { topic, reader, seq };
  }

  clear(): void {
    this.#holds.clear();
  }

  #of(topic: string, reader: string): OwnHold {
    const key = `${topic}/${reader}`;
    let hold = this.#holds.get(key);
    if (!hold) this.#holds.set(key, (hold = { topic, reader, inUse: new Set(), over: new Set() }));
    return hold;
  }
}
