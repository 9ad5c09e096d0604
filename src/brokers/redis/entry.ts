import type { ReceivedMessage } from '../../message.js';

/** What a stream entry says; its payload is inside, or on the data plane. */
export interface Entry {
  readonly seq: number;
  readonly id: string;
  readonly time: number;
  readonly meta: Buffer;
  readonly body: Buffer | undefined;
  readonly blob: Blob | undefined;
}

/** Where a payload lies on the data plane. */
export interface Blob {
  readonly key: string;
  readonly length: number;
}

export type Reply = Buffer | number | string | null | Reply[];

export function asList(reply: unknown): Reply[] {
  if (!Array.isArray(reply)) throw new Error(`a Redis command answered ${String(reply)}; expected a list`);
  return reply as Reply[];
}

export function asBuffer(reply: Reply | undefined): Buffer {
  if (!Buffer.isBuffer(reply)) throw new Error(`a Redis command answered ${String(reply)}; expected bytes`);
  return reply;
}

/** Fields as the scripts write them: id, time, meta, then body, or blob and length. */
export function parseFields(seq: number, fields: readonly Reply[]): Entry {
  const inline = fields.length <= 8;
  const last = asBuffer(fields[7]);
  return {
    seq,
    id: asBuffer(fields[1]).toString(),
    time: Number(asBuffer(fields[3]).toString('latin1')),
    meta: asBuffer(fields[5]),
    body: inline ? last : undefined,
    blob: inline ? undefined : { key: last.toString(), length: Number(asBuffer(fields[9]).toString('latin1')) },
  };
}

/** An entry as XRANGE gives it. */
export function parseEntry(reply: Reply | undefined): Entry {
  const [id, fields] = asList(reply);
  return parseFields(parseInt(asBuffer(id).toString('latin1'), 10), asList(fields));
}

export function toMessage({ seq, id, time, meta }: Entry, payload: Buffer): ReceivedMessage {
  return { seq, id, time, meta, payload };
}
