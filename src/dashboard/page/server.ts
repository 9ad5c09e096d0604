/** Something that the server refused, and why. */
export class ServerError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function check(response: Response): Promise<Response> {
  if (response.ok) return response;
  let message = `the server answered ${response.status}`;
  try {
    const { error } = (await response.json()) as { readonly error?: unknown };
    if (typeof error === 'string') message = error;
  } catch {
    // What answered is no dashboard, a proxy say: its status has to do.
  }
  throw new ServerError(response.status, message);
}

/** Asks for something. @throws ServerError */
export async function ask(path: string, query: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = signal ? { signal } : {};
  return check(await fetch(`${path}?${new URLSearchParams(query).toString()}`, init));
}

/** Asks for something to be done. The header is one that no other page can send. @throws ServerError */
export async function act(path: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json', 'x-edgeflow': '1' };
  return (await check(await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }))).json();
}
