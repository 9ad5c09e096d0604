import { readFileSync } from 'node:fs';
import { hrtime } from 'node:process';

/** Milliseconds of the monotonic clock, which all processes of one host share and which starts anew when it boots. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

/** What {@link bootName} gives where the system does not tell. */
export const unknownBoot = 'unknown';

/** Names the present boot of the host where the system tells; monotonic times of another boot mean nothing. */
export function bootName(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Only Linux has it. Elsewhere a heartbeat in the future gives a reboot away.
    return unknownBoot;
  }
}
