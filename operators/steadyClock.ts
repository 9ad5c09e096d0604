/**
 * The time of the wall clock in whole milliseconds since the epoch, which never goes back: when the wall clock is put
 * back, time runs on from where it was, at the pace of the process's own clock, until the wall clock is ahead of it again.
 */
export function steadyClock(): () => number {
  let offset = -Infinity;
  return () => {
    const uptime = performance.now();
    offset = Math.max(offset, Date.now() - uptime);
    return Math.floor(offset + uptime);
  };
}
