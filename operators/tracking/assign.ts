/**
 * Pairs rows with columns so that the weights of the pairs add up to the most (the assignment problem), by shortest augmenting
 * paths with potentials: Kuhn 1955, Munkres 1957; in the form of Jonker and Volgenant 1987. Takes rows² · columns steps.
 *
 * @param rows - number of rows.
 * @param columns - number of columns.
 * @param weight - what the pair is worth; a pair of no more than 0 is never made.
 * @returns for each row its column, or -1.
 */
export function assign(rows: number, columns: number, weight: (row: number, column: number) => number): number[] {
  const paired = new Array<number>(rows).fill(-1);
  if (rows > columns) {
    assign(columns, rows, (column, row) => weight(row, column)).forEach((row, column) => {
      if (row >= 0) paired[row] = column;
    });
    return paired;
  }
  const cost = Float64Array.from({ length: rows * columns }, (_, at) => -Math.max(0, weight(Math.floor(at / columns), at % columns)));
  // Places count from 1; row 0 and column 0 are where a path begins.
  const rowOf = new Int32Array(columns + 1);
  const rowPotential = new Float64Array(rows + 1);
  const columnPotential = new Float64Array(columns + 1);
  const before = new Int32Array(columns + 1);
  const slack = new Float64Array(columns + 1);
  const done = new Uint8Array(columns + 1);
  const at = (values: Float64Array | Int32Array, place: number): number => values[place] ?? 0;
  for (let row = 1; row <= rows; row++) {
    rowOf[0] = row;
    slack.fill(Infinity);
    done.fill(0);
    let column = 0;
    do {
      done[column] = 1;
      const current = at(rowOf, column);
      let least = Infinity;
      let next = 0;
      for (let other = 1; other <= columns; other++) {
        if (done[other]) continue;
        const reduced = at(cost, (current - 1) * columns + other - 1) - at(rowPotential, current) - at(columnPotential, other);
        if (reduced < at(slack, other)) {
          slack[other] = reduced;
          before[other] = column;
        }
        if (at(slack, other) < least) {
          least = at(slack, other);
          next = other;
        }
      }
      for (let other = 0; other <= columns; other++) {
        if (done[other]) {
          rowPotential[at(rowOf, other)] = at(rowPotential, at(rowOf, other)) + least;
          columnPotential[other] = at(columnPotential, other) - least;
        } else slack[other] = at(slack, other) - least;
      }
      column = next;
    } while (at(rowOf, column) !== 0);
    while (column !== 0) {
      const from = at(before, column);
      rowOf[column] = at(rowOf, from);
      column = from;
    }
  }
  for (let column = 1; column <= columns; column++) {
    const row = at(rowOf, column) - 1;
    if (row >= 0 && at(cost, row * columns + column - 1) < 0) paired[row] = column - 1;
  }
  return paired;
}
