/** Items of one list, which keep their order. */
interface Ordered<S, T extends { readonly time: number }> {
  readonly state: S;
  readonly messages: readonly T[];
}

/** Merges lists by the times of their items; within each list the order stays as it is. */
export function* inOrderOfTime<S, T extends { readonly time: number }>(lists: readonly Ordered<S, T>[]): Generator<readonly [S, T]> {
  const places = lists.map(() => 0);
  for (;;) {
    let first: { readonly list: number; readonly state: S; readonly message: T } | undefined;
    lists.forEach(({ state, messages }, list) => {
      const message = messages[places[list] ?? 0];
      if (message && (!first || message.time < first.message.time)) first = { list, state, message };
    });
    if (!first) return;
    places[first.list] = (places[first.list] ?? 0) + 1;
    yield [first.state, first.message];
  }
}
