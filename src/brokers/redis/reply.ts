/** What a command answers, with bytes as Buffers. */
export type Reply = Buffer | number | string | null | Reply[];

export function asList(reply: unknown): Reply[] {
  if (!Array.isArray(reply)) throw new Error(`a Redis command answered ${String(reply)}; expected a list`);
  return reply as Reply[];
}

export function asBuffer(reply: Reply | undefined): Buffer {
  if (!Buffer.isBuffer(reply)) throw new Error(`a Redis command answered ${String(reply)}; expected bytes`);
  return reply;
}
