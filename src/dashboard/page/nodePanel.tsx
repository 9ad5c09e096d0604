import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { errorMessage } from '../../errors.js';
import { nodeActions } from '../wire.js';
import type { NodeAction, NodeView, Snapshot } from '../wire.js';
import { Curve } from './curve.js';
import * as format from './format.js';
import { stateOf } from './health.js';
import { Panel } from './panel.js';
import { act } from './server.js';
import { hrefOf } from './store.js';
import { TableHead } from './tableHead.js';

const explained: Readonly<Record<NodeAction, string>> = {
  pause: 'takes nothing more; what is open settles',
  resume: 'goes on',
  restart: 'ends in order and starts anew',
  drain: 'works off what waits, then pauses',
};

/** One node: its replicas, its curves, and what can be done with it. */
export function NodePanel(props: {
  readonly node: NodeView;
  readonly snapshot: Snapshot;
  readonly history: readonly Snapshot[];
}): JSX.Element {
  const { node, snapshot, history } = props;
  const { sign, word, tone } = stateOf(node);
  const times = history.map(({ time }) => time / 1_000);
  const series = (of: (replica: NodeView['replicas'][number]) => number): (number | undefined)[] =>
    history.map(({ nodes }) => nodes.find(({ name }) => name === node.name)?.replicas.reduce((sum, replica) => sum + of(replica), 0));
  const topic = snapshot.topics.find((known) => known.topic === node.name);
  return (
    <Panel title={node.name}>
      <p>
        <span class={`sign ${tone}`}>{sign}</span> {word} · {node.isolation}
        {node.inputs.length > 0 && ` · reads ${node.inputs.join(', ')}`}
      </p>
      {snapshot.control && !snapshot.outside && <Actions node={node.name} />}
      <table>
        <TableHead columns={['Replica', 'State', 'PID', 'Restarts', 'CPU', 'RSS']} />
        <tbody>
          {node.replicas.map(({ replica, state, pid, restarts, cpuShare, rssBytes }) => (
            <tr key={replica}>
              <th scope="row">{replica}</th>
              <td data-name="State">{state}</td>
              <td data-name="PID">{pid ?? '–'}</td>
              <td data-name="Restarts">{restarts}</td>
              <td data-name="CPU">{format.percent(cpuShare)}</td>
              <td data-name="RSS">{format.bytes(rssBytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {node.replicas.map(
        ({ replica, note }) =>
          note !== undefined && (
            <p key={replica} class="note">
              {note}
            </p>
          ),
      )}
      {topic && (
        <p>
          Its topic holds {format.count(topic.entries)} messages, {format.bytes(topic.bytes)}.{' '}
          <a href={hrefOf('live', node.name)}>Look at it live</a>
        </p>
      )}
      <Curve
        title="Messages/s"
        times={times}
        series={[
          { name: 'out', values: series(({ publishedPerSecond }) => publishedPerSecond), tone: 1 },
          { name: 'in', values: series(({ takenPerSecond }) => takenPerSecond), tone: 2 },
        ]}
      />
      <Curve
        title="CPU, % of a core"
        times={times}
        series={[{ name: 'CPU', values: series(({ cpuShare = 0 }) => cpuShare * 100), tone: 1 }]}
      />
      <Curve
        title="Memory, MiB"
        times={times}
        series={[{ name: 'RSS', values: series(({ rssBytes = 0 }) => rssBytes / 1024 / 1024), tone: 1 }]}
      />
    </Panel>
  );
}

function Actions({ node }: { readonly node: string }): JSX.Element {
  const [message, setMessage] = useState('');
  const [busy, setBusy] = useState(false);
  const run = async (action: NodeAction): Promise<void> => {
    setBusy(true);
    try {
      await act('/api/nodes', { node, action });
      setMessage(`${action}: done`);
    } catch (error) {
      setMessage(errorMessage(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="actions">
      {nodeActions.map((action) => (
        <button key={action} type="button" disabled={busy} title={explained[action]} onClick={() => void run(action)}>
          {action}
        </button>
      ))}
      <p role="status">{message}</p>
    </div>
  );
}
