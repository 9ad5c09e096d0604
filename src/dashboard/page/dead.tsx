import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { errorMessage } from '../../errors.js';
import type { LetterView, Snapshot } from '../wire.js';
import * as format from './format.js';
import { act, ask } from './server.js';

/** What was given up: why, what it is, and what to do with it. */
export function DeadLetters({ snapshot }: { readonly snapshot: Snapshot }): JSX.Element {
  const topics = snapshot.topics.filter(({ deadLetters }) => deadLetters > 0);
  return (
    <section aria-labelledby="dead-title">
      <h2 id="dead-title">Dead letters</h2>
      {topics.length === 0 && <p class="empty">None. Every message was dealt with, or still is.</p>}
      {topics.map(({ topic, deadLetters }) => (
        <Topic key={topic} topic={topic} count={deadLetters} control={snapshot.control} />
      ))}
    </section>
  );
}

function Topic({ topic, count, control }: { readonly topic: string; readonly count: number; readonly control: boolean }): JSX.Element {
  const [letters, setLetters] = useState<readonly LetterView[]>([]);
  const [message, setMessage] = useState('');
  const loading = useRef({ now: false, again: false });
  const load = async (): Promise<void> => {
    const { current } = loading;
    // Where letters come faster than they can be read, the next reading waits for the one before.
    current.again = current.now;
    if (current.now) return;
    current.now = true;
    try {
      setLetters((await (await ask('/api/dead', { topic })).json()) as LetterView[]);
    } catch (error) {
      setMessage(errorMessage(error));
    }
    current.now = false;
    if (current.again) void load();
  };
  useEffect(() => void load(), [topic, count, message]);
  const run = async (action: 'redrive' | 'drop', numbers: readonly number[]): Promise<void> => {
    try {
      const { count: done } = (await act(`/api/dead/${action}`, { topic, letters: numbers })) as { readonly count: number };
      setMessage(action === 'redrive' ? `${done} given back, to be delivered again` : `${done} dropped`);
    } catch (error) {
      setMessage(errorMessage(error));
    }
  };
  const shown = letters.map(({ letter }) => letter);
  return (
    <div class="card">
      <h3>
        {topic} <span class="badge">{format.count(count)}</span>
      </h3>
      {control && shown.length > 0 && (
        <div class="actions">
          <button type="button" onClick={() => void run('redrive', shown)}>
            Re-drive {shown.length === count ? 'all' : `these ${shown.length}`}
          </button>
        </div>
      )}
      <p role="status">{message}</p>
      {shown.length > 0 && shown.length < count && (
        <p class="small">
          The oldest {shown.length} of {format.count(count)}; the next are shown when these are dealt with.
        </p>
      )}
      <ul class="letters">
        {letters.map((letter) => (
          <Letter key={letter.letter} letter={letter} control={control} run={run} />
        ))}
      </ul>
    </div>
  );
}

function Letter(props: {
  readonly letter: LetterView;
  readonly control: boolean;
  readonly run: (action: 'redrive' | 'drop', numbers: readonly number[]) => Promise<void>;
}): JSX.Element {
  const { letter, control, run } = props;
  const { topic, letter: number, group, seq, error, stack, attempts, firstTime, deadTime, bytes, picture, text } = letter;
  // Dropping is for good: it takes a second press.
  const [sure, setSure] = useState(false);
  return (
    <li>
      {picture && (
        <img
          src={`/api/dead/picture?topic=${encodeURIComponent(topic)}&letter=${number}`}
          alt={`Picture of letter ${number}`}
          loading="lazy"
        />
      )}
      <div>
        <p class="error">{error}</p>
        <p class="small">
          letter {number} · message {format.count(seq)} · {group} tried {attempts} times, {format.clock(firstTime)} to{' '}
          {format.clock(deadTime)} · {format.bytes(bytes)}
        </p>
        <details>
          <summary>Value{stack !== undefined && ' and stack'}</summary>
          <pre tabIndex={0} aria-label="Value">
            {text}
          </pre>
          {stack !== undefined && (
            <pre tabIndex={0} aria-label="Stack">
              {stack}
            </pre>
          )}
        </details>
        {control && (
          <div class="actions">
            <button type="button" onClick={() => void run('redrive', [number])}>
              Re-drive
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => (sure ? void run('drop', [number]) : setSure(true))}
              onBlur={() => setSure(false)}
            >
              {sure ? 'Drop for good?' : 'Drop'}
            </button>
          </div>
        )}
      </div>
    </li>
  );
}
