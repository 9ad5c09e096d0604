/** The time that a value says of itself, as a frame does, in milliseconds since the epoch. */
export function ownTime(value: unknown): number | undefined {
  const time = typeof value === 'object' && value !== null && 'time' in value ? value.time : undefined;
  return typeof time === 'number' ? time : undefined;
}
