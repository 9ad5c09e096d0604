import type { JSX } from 'preact';
import type { Snapshot } from '../wire.js';
import { Graph } from './graph.js';
import { isCompact } from './layout.js';
import { LinkPanel } from './linkPanel.js';
import { LinkTable } from './linkTable.js';
import { NodePanel } from './nodePanel.js';
import type { Store } from './store.js';
import { Summary } from './summary.js';

/** The graph, what is chosen in it, and every link as a row. */
export function Overview(props: { readonly store: Store; readonly snapshot: Snapshot; readonly route: readonly string[] }): JSX.Element {
  const { store, snapshot, route } = props;
  const [kind, first, second] = route;
  const link = kind === 'link' ? snapshot.links.find(({ source, target }) => source === first && target === second) : undefined;
  const node = kind === 'node' ? snapshot.nodes.find(({ name }) => name === first) : undefined;
  return (
    <div class={link || node ? 'overview with-panel' : 'overview'}>
      <section class="card graph-card" aria-label="Graph">
        <Summary snapshot={snapshot} />
        <Graph snapshot={snapshot} chosen={route.join('/')} />
        <ul class="legend" aria-label="Legend">
          <li>
            <svg width="34" height="10" aria-hidden="true">
              <line x1="1" y1="5" x2="33" y2="5" class="edge durable ok" />
            </svg>
            durable: loses nothing
          </li>
          <li>
            <svg width="34" height="10" aria-hidden="true">
              <line x1="1" y1="5" x2="33" y2="5" class="edge realtime ok" />
            </svg>
            realtime: skips to the newest
          </li>
          {snapshot.links.some(({ shadow }) => shadow) && (
            <li>
              <svg width="34" height="10" aria-hidden="true">
                <line x1="1" y1="5" x2="33" y2="5" class="edge shadow ok" />
              </svg>
              shadow: only looks on
            </li>
          )}
          {!isCompact(snapshot) && <li>age: median / 99th percentile, from publication to work</li>}
        </ul>
      </section>
      {link && <LinkPanel key={`${link.source}/${link.target}`} link={link} history={store.history} />}
      {node && <NodePanel key={node.name} node={node} snapshot={snapshot} history={store.history} />}
      <LinkTable snapshot={snapshot} />
    </div>
  );
}
