/** What travels: a number, and bytes that are known from it, so that every reader can tell whether they are the right ones. */
export interface SoakValue {
  readonly number: number;
  readonly data: Uint8Array;
}

const smallBytes = 100;
const largeBytes = 20_000;
/** One in so many is large, and travels on the data plane. */
const largeEvery = 20;

/** The most bytes that one message may count for. */
export const mostMessageBytes = largeBytes + 200;

export function makeValue(number: number): SoakValue {
  const data = Buffer.alloc(number % largeEvery === 0 ? largeBytes : smallBytes, number % 251);
  data.writeDoubleLE(number);
  return { number, data };
}

/** Whether the bytes are those that were made for the number. */
export function isWhole({ number, data }: SoakValue): boolean {
  return Buffer.compare(makeValue(number).data, data) === 0;
}
