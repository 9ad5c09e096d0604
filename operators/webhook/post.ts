import { longestTimerMs } from 'edgeflow';

/** What a hook answered. Its body is not looked at. */
export interface HookAnswer {
  readonly ok: boolean;
  readonly status: number;
  /** From `retry-after`. */
  readonly retryAfterMs: number | undefined;
}

/** Posts JSON. Redirects are not followed: whoever answers for a name could send the message anywhere. */
export async function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<HookAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'edgeflow', ...headers },
    body,
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(Math.min(timeoutMs, longestTimerMs))]),
  });
  await response.body?.cancel();
  return { ok: response.ok, status: response.status, retryAfterMs: waitOf(response.headers.get('retry-after')) };
}

const longestWaitMs = 3_600_000;

/** Milliseconds of a `retry-after` header: seconds or a date (RFC 9110, 10.2.3); an hour at most. */
function waitOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return ms >= 0 ? Math.min(ms, longestWaitMs) : undefined;
}
