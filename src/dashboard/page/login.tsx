import { useState } from 'preact/hooks';
import type { JSX } from 'preact';
import { errorMessage } from '../../errors.js';
import { act } from './server.js';

/** Asks for the token. */
export function Login({ trouble, onDone }: { readonly trouble: string | undefined; readonly onDone: () => void }): JSX.Element {
  const [message, setMessage] = useState(trouble);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token');
    try {
      await act('/api/login', { token });
      onDone();
    } catch (error) {
      setMessage(errorMessage(error));
    }
  };
  return (
    <main class="login">
      <h1>EdgeFlow</h1>
      <form onSubmit={(event) => void submit(event)}>
        <label for="token">Token</label>
        <input id="token" name="token" type="password" autocomplete="current-password" required />
        <p class="hint">The terminal that started the dashboard shows it.</p>
        <button type="submit">Open</button>
        <p role="alert">{message}</p>
      </form>
    </main>
  );
}
