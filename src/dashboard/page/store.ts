import { useEffect, useState } from 'preact/hooks';
import { errorMessage } from '../../errors.js';
import type { Snapshot } from '../wire.js';
import { listen } from './events.js';
import { pause } from './pause.js';
import { ServerError } from './server.js';

/** Seconds of history for the curves. */
const historyLength = 180;
const retryMs = 1_500;

/** What the page knows of the system. */
export interface Store {
  readonly snapshot: Snapshot | undefined;
  readonly history: readonly Snapshot[];
  readonly connection: 'connecting' | 'live' | 'lost' | 'ended';
  /** What the server said instead of a snapshot. */
  readonly trouble: string | undefined;
}

/**
 * Listens to the server for as long as the component is shown, and tries again when the connection breaks or the system ends.
 *
 * @param onClosed - the server asks for its token: a session has ended, or the server was started anew.
 */
export function useStore(onClosed: () => void): Store {
  const [store, setStore] = useState<Store>({ snapshot: undefined, history: [], connection: 'connecting', trouble: undefined });
  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    const onEvent = (name: string, data: string): void => {
      if (name === 'state') {
        const snapshot = JSON.parse(data) as Snapshot;
        setStore(({ history }) => ({
          snapshot,
          // Another system on the same address, or the same once more: its curves begin anew.
          history: [...(goesOn(history.at(-1), snapshot) ? history : []), snapshot].slice(-historyLength),
          connection: 'live',
          trouble: undefined,
        }));
      } else if (name === 'trouble') {
        const { message } = JSON.parse(data) as { readonly message: string };
        setStore((before) => ({ ...before, connection: 'live', trouble: message }));
      } else if (name === 'end') setStore((before) => ({ ...before, connection: 'ended', trouble: undefined }));
    };
    const run = async (): Promise<void> => {
      while (!signal.aborted) {
        let trouble: string | undefined;
        try {
          await listen(signal, onEvent);
        } catch (error) {
          if (end.signal.aborted) return;
          if (error instanceof ServerError && error.status === 401) {
            onClosed();
            return;
          }
          // What the server says is told; that it does not answer, the word for the connection tells.
          if (error instanceof ServerError) trouble = errorMessage(error);
        }
        setStore((before) => ({ ...before, connection: before.connection === 'ended' ? 'ended' : 'lost', trouble }));
        await pause(retryMs);
      }
    };
    void run();
    return () => {
      end.abort();
    };
  }, []);
  return store;
}

const goesOn = (last: Snapshot | undefined, { system, time }: Snapshot): boolean => last?.system === system && last.time <= time;

/** The parts of the address behind `#/`. */
export function useRoute(): readonly string[] {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const onChange = (): void => {
      setHash(location.hash);
    };
    addEventListener('hashchange', onChange);
    // It may have changed since the first drawing, before anybody listened.
    onChange();
    return () => {
      removeEventListener('hashchange', onChange);
    };
  }, []);
  return hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decoded);
}

/** As it stands where it is no code: people type addresses too. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const hrefOf = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;
