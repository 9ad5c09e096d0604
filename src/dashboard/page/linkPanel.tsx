import type { JSX } from 'preact';
import type { LinkView, Snapshot } from '../wire.js';
import { Curve } from './curve.js';
import * as format from './format.js';
import { healthOf, qosOf } from './health.js';
import { Panel } from './panel.js';

interface Column {
  readonly name: string;
  readonly value: number;
  readonly tone: string;
}

/** Where each message of a link ended: in exactly one column. */
function columnsOf({ qos, acked, dead, delivered, skipped, pending }: LinkView): readonly Column[] {
  return qos === 'durable'
    ? [
        { name: 'acked', value: acked, tone: 'done' },
        { name: 'dead-lettered', value: dead, tone: 'dead' },
        { name: 'pending', value: pending, tone: 'waiting' },
      ]
    : [
        { name: 'delivered', value: delivered, tone: 'done' },
        { name: 'skipped', value: skipped, tone: 'skipped' },
        { name: 'waiting', value: pending, tone: 'waiting' },
      ];
}

const reasons: Readonly<Record<string, string>> = {
  busy: 'a newer one came while the node was at work',
  stale: 'passed over by a jump to the newest',
  expired: 'too old when its turn came',
  gone: 'its bytes were gone already',
};

/** The ledger of one link, and how it went for the last minutes. */
export function LinkPanel({ link, history }: { readonly link: LinkView; readonly history: readonly Snapshot[] }): JSX.Element {
  const columns = columnsOf(link);
  const total = Math.max(1, link.published);
  const { sign, word } = healthOf(link.health);
  const series = (of: (view: LinkView) => number | undefined): (number | undefined)[] =>
    history.map(({ links }) => {
      const view = links.find(({ source, target }) => source === link.source && target === link.target);
      return view && of(view);
    });
  const done = { name: 'done', values: series((view) => view.donePerSecond), tone: 1 } as const;
  const skipped = { name: 'skipped', values: series((view) => view.skippedPerSecond), tone: 2 } as const;
  const times = history.map(({ time }) => time / 1_000);
  return (
    <Panel title={`${link.source} → ${link.target}`}>
      <p>
        <span class={`sign ${link.health}`}>{sign}</span> {word} · {qosOf(link)}
      </p>
      {link.shadow && <p class="small">Its target only looks on: no message waits for it, and it is in no balance.</p>}
      <h3>Ledger</h3>
      <div class="stack" aria-hidden="true">
        {columns.map(({ name, value, tone }) => (
          <span key={name} class={tone} style={{ flexGrow: value / total }} />
        ))}
      </div>
      <table class="sum">
        <tbody>
          {columns.map(({ name, value, tone }, index) => (
            <tr key={name}>
              <th scope="row">
                <span class={`swatch ${tone}`} aria-hidden="true" /> {name}
              </th>
              <td>
                {index > 0 && '+ '}
                {format.count(value)}
              </td>
            </tr>
          ))}
          <tr class="total">
            <th scope="row">published {link.balanced ? '✓' : '✗ does not add up'}</th>
            <td>= {format.count(link.published)}</td>
          </tr>
        </tbody>
      </table>
      {link.skipped > 0 && Object.keys(link.skippedBy).length > 0 && (
        <>
          <h3>Why skipped</h3>
          <table class="sum">
            <tbody>
              {Object.entries(link.skippedBy).map(([reason, value]) => (
                <tr key={reason}>
                  <th scope="row">
                    {reason} <span class="small">{reasons[reason]}</span>
                  </th>
                  <td>{format.count(value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      <Curve title="Rate, messages/s" times={times} series={link.qos === 'realtime' ? [done, skipped] : [done]} />
      <Curve
        title="Age, ms"
        times={times}
        series={[
          { name: 'p50', values: series((view) => view.ageP50Ms), tone: 1 },
          { name: 'p99', values: series((view) => view.ageP99Ms), tone: 2 },
        ]}
      />
      {link.qos === 'durable' && (
        <Curve title="Pending" times={times} series={[{ name: 'pending', values: series((view) => view.pending), tone: 1 }]} />
      )}
    </Panel>
  );
}
