import type { JSX } from 'preact';
import type { LinkView, Snapshot } from '../wire.js';
import * as format from './format.js';
import { healthOf, qosOf } from './health.js';
import { hrefOf } from './store.js';
import { TableHead } from './tableHead.js';

const columns = ['Link', 'Health', 'QoS', 'Rate', 'Done', 'Skipped', 'Pending', 'Dead', 'Age p50', 'Age p99'] as const;

/** Every link as a row; as a card each where the window is narrow. */
export function LinkTable({ snapshot: { links } }: { readonly snapshot: Snapshot }): JSX.Element {
  return (
    <section class="card links" aria-labelledby="links-title">
      <h2 id="links-title">Links</h2>
      <table>
        <TableHead columns={columns} />
        <tbody>
          {links.map((link) => (
            <Row key={`${link.source}/${link.target}`} link={link} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ link }: { readonly link: LinkView }): JSX.Element {
  const { source, target, qos, health } = link;
  const durable = qos === 'durable';
  const { sign, word } = healthOf(health);
  return (
    <tr>
      <th scope="row">
        <a href={hrefOf('link', source, target)}>
          {source} → {target}
        </a>
      </th>
      <td data-name="Health">
        <span>
          <span class={`sign ${health}`}>{sign}</span> {word}
        </span>
      </td>
      <td data-name="QoS">{qosOf(link)}</td>
      <td data-name="Rate">{format.rate(link.donePerSecond)}</td>
      <td data-name="Done">{format.count(link.acked + link.delivered)}</td>
      <td data-name="Skipped">{durable ? '–' : format.count(link.skipped)}</td>
      <td data-name="Pending">{format.count(link.pending)}</td>
      <td data-name="Dead">{durable ? format.count(link.dead) : '–'}</td>
      <td data-name="Age p50">{format.milliseconds(link.ageP50Ms)}</td>
      <td data-name="Age p99">{format.milliseconds(link.ageP99Ms)}</td>
    </tr>
  );
}
