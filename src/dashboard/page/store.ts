import { useEffect, useState } from 'preact/hooks';
import type { Snapshot } from '../wire.js';

/** Seconds of history for the curves. */
const historyLength = 180;

/** What the page knows of the system. */
export interface Store {
  readonly snapshot: Snapshot | undefined;
  readonly history: readonly Snapshot[];
  readonly connection: 'connecting' | 'live' | 'lost' | 'ended';
  /** What the server said instead of a snapshot. */
  readonly trouble: string | undefined;
}

/** Listens to the server for as long as the component is shown. */
export function useStore(): Store {
  const [store, setStore] = useState<Store>({ snapshot: undefined, history: [], connection: 'connecting', trouble: undefined });
  useEffect(() => {
    const events = new EventSource('/api/events');
    events.addEventListener('state', ({ data }: MessageEvent<string>) => {
      const snapshot = JSON.parse(data) as Snapshot;
      setStore(({ history }) => ({
        snapshot,
        history: [...history, snapshot].slice(-historyLength),
        connection: 'live',
        trouble: undefined,
      }));
    });
    events.addEventListener('trouble', ({ data }: MessageEvent<string>) => {
      const { message } = JSON.parse(data) as { readonly message: string };
      setStore((store) => ({ ...store, connection: 'live', trouble: message }));
    });
    events.addEventListener('end', () => {
      events.close();
      setStore((store) => ({ ...store, connection: 'ended' }));
    });
    events.addEventListener('error', () => {
      setStore((store) => (store.connection === 'ended' ? store : { ...store, connection: 'lost' }));
    });
    return () => {
      events.close();
    };
  }, []);
  return store;
}

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
  return hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decodeURIComponent);
}

export const hrefOf = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;
