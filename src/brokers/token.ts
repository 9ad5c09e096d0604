/**
 * The token of a delivery: how often the message was delivered, and how often it was handed back untried, in one number.
 * Each delivery has another token than all before it, which fences late acks; and what a consumer hands back when it stops
 * does not count as a failed attempt.
 */
const handBack = 2 ** 16;
/** Tokens are stored in 32 bits. */
const tokens = 2 ** 32;

/** Token of a message's first delivery. */
export const firstToken = 1;

/** Token of the next delivery. The count of attempts stays at its end: the other one then makes the difference. */
export function nextToken(token: number): number {
  return attemptOf(token) === handBack - 1 ? withinBounds(token + handBack) : token + 1;
}

/** Token of a message that was handed back: its last delivery does not count. */
export function handedBack(token: number): number {
  return withinBounds(token - 1 + handBack);
}

/** Token of a message that comes back from the dead letters: its attempts are counted anew. */
export function redriven(token: number): number {
  return withinBounds((Math.floor(token / handBack) + 1) * handBack);
}

/** How often the message was delivered, without those deliveries that were handed back. */
export function attemptOf(token: number): number {
  return token % handBack;
}

/** Begins anew with the first hand-back, not with none: 0 is no token, and one of so long ago is nobody's any more. */
function withinBounds(token: number): number {
  return token < tokens ? token : token - tokens + handBack;
}
