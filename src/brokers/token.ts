/**
 * The token of a delivery: how often the message was delivered, and how often it was handed back untried, in one number.
 * Each delivery has another token than all before it, which fences late acks; and what a consumer hands back when it stops
 * does not count as a failed attempt.
 */
const handBack = 2 ** 16;

/** Token of a message's first delivery. */
export const firstToken = 1;

/** Token of the next delivery. */
export function nextToken(token: number): number {
  return token + 1;
}

/** Token of a message that was handed back: its last delivery does not count. */
export function handedBack(token: number): number {
  return token - 1 + handBack;
}

/** Token of a message that comes back from the dead letters: its attempts are counted anew. */
export function redriven(token: number): number {
  return (Math.floor(token / handBack) + 1) * handBack;
}

/** How often the message was delivered, without those deliveries that were handed back. */
export function attemptOf(token: number): number {
  return token % handBack;
}
