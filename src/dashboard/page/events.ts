import { ask } from './server.js';

/** The server tells something each second: a connection that is silent for so long is dead, and nobody said so. */
const silentMs = 10_000;

/**
 * Listens to the server until it ends the stream or the connection breaks. An EventSource would not say why it was refused,
 * would not try again after that, and would wait for ever on a connection that is dead.
 *
 * @throws ServerError, and what `fetch` throws.
 */
export async function listen(signal: AbortSignal, onEvent: (name: string, data: string) => void): Promise<void> {
  const end = new AbortController();
  const stop = (): void => {
    end.abort();
  };
  signal.addEventListener('abort', stop);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(stop, silentMs);
  };
  try {
    wait();
    const { body } = await ask('/api/events', {}, end.signal);
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const part = await reader?.read();
      if (!part || part.done) return;
      wait();
      const blocks = (text + part.value).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
        if (name !== undefined && data !== undefined) onEvent(name, data);
      }
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
