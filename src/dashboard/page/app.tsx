import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { errorMessage } from '../../errors.js';
import { DeadLetters } from './dead.js';
import { Find } from './find.js';
import { LiveView } from './live.js';
import { Login } from './login.js';
import { Overview } from './overview.js';
import { act, ask, ServerError } from './server.js';
import { hrefOf, useRoute, useStore } from './store.js';
import type { Store } from './store.js';

/** Lets in, by a session that is there, by the token behind `#token=`, or by the form. */
export function App(): JSX.Element | null {
  const [door, setDoor] = useState<'asking' | 'closed' | 'open'>('asking');
  const [trouble, setTrouble] = useState<string>();
  useEffect(() => {
    const enter = async (): Promise<void> => {
      const token = /^#token=(.+)$/.exec(location.hash)?.[1];
      try {
        if (token !== undefined) {
          // The token is not left in the address and the history.
          history.replaceState(null, '', '/');
          await act('/api/login', { token: decodeURIComponent(token) });
        }
        await ask('/api/state', {});
        setDoor('open');
      } catch (error) {
        if (!(error instanceof ServerError && error.status === 401 && token === undefined)) setTrouble(errorMessage(error));
        setDoor('closed');
      }
    };
    void enter();
  }, []);
  if (door === 'asking') return null;
  if (door === 'closed') return <Login trouble={trouble} onDone={() => setDoor('open')} />;
  return <Shell />;
}

const pages = [
  ['', 'Overview'],
  ['live', 'Live'],
  ['find', 'Find'],
  ['dead', 'Dead letters'],
] as const;

function Shell(): JSX.Element {
  const store = useStore();
  const route = useRoute();
  const [page = ''] = route;
  const { snapshot } = store;
  const dead = snapshot?.topics.reduce((sum, { deadLetters }) => sum + deadLetters, 0) ?? 0;
  const shown = pages.some(([path]) => path === page) ? page : '';
  const title = pages.find(([path]) => path === shown)?.[1] ?? '';
  useEffect(() => {
    document.title = `${title} · ${snapshot?.system ?? 'EdgeFlow'}`;
  }, [title, snapshot?.system]);
  return (
    <>
      <header class="bar">
        <h1>{snapshot?.system ?? 'EdgeFlow'}</h1>
        <Connection store={store} />
        <nav aria-label="Views">
          {pages.map(([path, name]) => (
            <a key={path} href={hrefOf(path)} aria-current={path === shown ? 'page' : undefined}>
              {name}
              {path === 'dead' && dead > 0 && <span class="badge">{dead}</span>}
            </a>
          ))}
        </nav>
      </header>
      <main>
        {!snapshot ? (
          <p class="empty">{store.trouble ?? 'Waiting for the first figures …'}</p>
        ) : shown === 'live' ? (
          <LiveView snapshot={snapshot} only={route[1]} />
        ) : shown === 'find' ? (
          <Find snapshot={snapshot} start={route[1]} />
        ) : shown === 'dead' ? (
          <DeadLetters snapshot={snapshot} />
        ) : (
          <Overview store={store} snapshot={snapshot} route={route} />
        )}
      </main>
    </>
  );
}

function Connection({ store: { snapshot, connection, trouble } }: { readonly store: Store }): JSX.Element {
  const words = { connecting: 'connecting', live: 'live', lost: 'connection lost, trying again', ended: 'the system has ended' };
  return (
    <p class="connection" role="status">
      <span class={`dot ${connection}`} aria-hidden="true" />
      {trouble ?? words[connection]}
      {snapshot?.outside && ', from outside'}
      {snapshot && (
        <span class={snapshot.balanced ? 'ledger' : 'ledger bad'}>{snapshot.balanced ? '✓ ledger balanced' : '✗ ledger NOT balanced'}</span>
      )}
    </p>
  );
}
