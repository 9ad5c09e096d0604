/** Messages that a topic keeps although nobody needs them, by their positions, and their bytes. */
export class SpareMessages {
  /** In order. */
  readonly #seqs: number[] = [];
  readonly #bytesOf = new Map<number, number>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get oldest(): number | undefined {
    return this.#seqs[0];
  }

  add(seq: number, bytes: number): void {
    if (this.#bytesOf.has(seq)) return;
    let at = this.#seqs.length;
    // Most come in order.
    while (at > 0 && (this.#seqs[at - 1] ?? 0) > seq) at--;
    this.#seqs.splice(at, 0, seq);
    this.#bytesOf.set(seq, bytes);
    this.#bytes += bytes;
  }

  delete(seq: number): void {
    const bytes = this.#bytesOf.get(seq);
    if (bytes === undefined) return;
    this.#seqs.splice(this.#seqs.indexOf(seq), 1);
    this.#bytesOf.delete(seq);
    this.#bytes -= bytes;
  }
}
