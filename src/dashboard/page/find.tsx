import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { errorMessage } from '../../errors.js';
import type { Snapshot, TraceStep, TraceSummary } from '../wire.js';
import * as format from './format.js';
import { ask } from './server.js';
import { hrefOf } from './store.js';
import { TableHead } from './tableHead.js';

/** Where did frame 4711 go? */
export function Find({ snapshot, start }: { readonly snapshot: Snapshot; readonly start: string | undefined }): JSX.Element {
  const [ways, setWays] = useState<readonly (readonly TraceStep[])[]>();
  const [trouble, setTrouble] = useState<string>();
  useEffect(() => {
    if (start === undefined) return undefined;
    const end = new AbortController();
    const look = async (): Promise<void> => {
      try {
        const found = (await (await ask('/api/find', { q: start }, end.signal)).json()) as (readonly TraceStep[])[];
        setWays(found);
        setTrouble(undefined);
      } catch (error) {
        if (!end.signal.aborted) setTrouble(errorMessage(error));
      }
    };
    void look();
    return () => {
      end.abort();
    };
  }, [start]);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const text = new FormData(event.currentTarget as HTMLFormElement).get('q');
    if (typeof text === 'string' && text.trim() !== '') location.hash = hrefOf('find', text.trim());
  };
  const example = snapshot.nodes.find(({ topic }) => topic)?.name ?? 'camera';
  return (
    <section class="card" aria-labelledby="find-title">
      <h2 id="find-title">Where did it go?</h2>
      <form class="search" role="search" onSubmit={submit}>
        <label for="q">Frame number, message id, or topic/number</label>
        <div>
          <input
            key={start}
            id="q"
            name="q"
            defaultValue={start ?? ''}
            placeholder={`4711, or ${example}/4711`}
            autocomplete="off"
            maxLength={512}
          />
          <button type="submit">Find</button>
        </div>
      </form>
      {trouble !== undefined && <p role="alert">{trouble}</p>}
      {start !== undefined && ways?.length === 0 && (
        <p class="empty" role="status">
          {snapshot.outside
            ? 'The ways of messages are known to the process that runs the system, and to its own dashboard.'
            : 'Nothing is known of it: it was not traced, or it is too long ago.'}
        </p>
      )}
      {start === undefined && <Newest />}
      {start !== undefined && ways?.map((steps, index) => <Way key={index} steps={steps} />)}
    </section>
  );
}

/** What was traced last, to begin with. */
function Newest(): JSX.Element {
  const [traces, setTraces] = useState<readonly TraceSummary[]>([]);
  const [trouble, setTrouble] = useState<string>();
  useEffect(() => {
    const look = async (): Promise<void> => {
      try {
        setTraces((await (await ask('/api/traces', {})).json()) as TraceSummary[]);
      } catch (error) {
        setTrouble(errorMessage(error));
      }
    };
    void look();
    const timer = setInterval(() => void look(), 2_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return (
    <>
      <h3>Newest</h3>
      {trouble !== undefined && <p role="alert">{trouble}</p>}
      <ul class="newest">
        {traces.map(({ id, topic, seq, nodes, published, settled, outcome }) => (
          <li key={id}>
            <a href={hrefOf('find', id)}>
              {topic} {format.count(seq)}
            </a>{' '}
            <span class="small">
              {nodes.length > 0 && `→ ${nodes.join(', ')} · `}
              <span class={`outcome ${outcome}`}>{outcome}</span>
              {settled !== undefined && ` in ${format.milliseconds(settled - published)}`}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The steps of one message and of what it led to, on one scale of time. */
function Way({ steps }: { readonly steps: readonly TraceStep[] }): JSX.Element {
  const times = steps
    .flatMap(({ published, received, started, settled }) => [published, received, started, settled])
    .filter((time) => time !== undefined);
  const from = Math.min(...times);
  const span = Math.max(1, Math.max(...times) - from);
  const at = (time: number): string => `${(100 * (time - from)) / span}%`;
  const [first] = steps;
  return (
    <div class="way">
      <h3>
        {first?.topic} {first && format.count(first.seq)} <code>{first?.id}</code>
      </h3>
      <p class="small">
        from {format.clock(from)}, {format.milliseconds(span)} in all
      </p>
      <table>
        <TableHead columns={['Node', 'Message', 'Waited', 'Worked', 'Outcome', 'Time']} />
        <tbody>
          {steps.map(({ node, topic, seq, published, received, started, settled, outcome, reason }, index) => {
            const begun = started ?? received;
            return (
              <tr key={index}>
                <th scope="row">{node}</th>
                <td data-name="Message">
                  {topic} {format.count(seq)}
                </td>
                <td data-name="Waited">{begun === undefined || published === undefined ? '–' : format.milliseconds(begun - published)}</td>
                <td data-name="Worked">{begun === undefined || settled === undefined ? '–' : format.milliseconds(settled - begun)}</td>
                <td data-name="Outcome" class={`outcome ${outcome}`}>
                  {outcome}
                  {reason !== undefined && `: ${reason}`}
                </td>
                <td data-name="Time" class="span">
                  {published !== undefined && begun !== undefined && (
                    <i class="wait" style={{ left: at(published), width: at(from + begun - published) }} />
                  )}
                  {begun !== undefined && settled !== undefined && (
                    <i class="work" style={{ left: at(begun), width: at(from + settled - begun) }} />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
