/** A message for somebody. */
export interface Alert {
  readonly title: string;
  readonly message: string;
  /** When it was due, in milliseconds since the epoch. */
  readonly time: number;
  /** How many values were kept back since the last alert. */
  readonly keptBack: number;
}
