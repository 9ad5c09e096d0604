import type { JSX } from 'preact';
import type { LinkHealth, Snapshot } from '../wire.js';
import { healthOf, stateOf } from './health.js';
import { hrefOf } from './store.js';

/** What wants to be looked at: a large graph is not seen whole. */
export function Summary({ snapshot: { nodes, links } }: { readonly snapshot: Snapshot }): JSX.Element {
  const odd = nodes.map((node) => ({ node, ...stateOf(node) })).filter(({ tone }) => tone !== 'ok' && tone !== 'idle');
  const slow = (['down', 'stalled', 'behind'] satisfies LinkHealth[]).flatMap((health) => links.filter((link) => link.health === health));
  if (odd.length + slow.length === 0)
    return (
      <p class="summary">
        <span class="sign ok">●</span> {nodes.length} nodes and {links.length} links do well
      </p>
    );
  return (
    <ul class="summary" aria-label="What is not well">
      {odd.map(({ node: { name }, sign, word, tone }) => (
        <li key={name}>
          <span class={`sign ${tone}`}>{sign}</span> <a href={hrefOf('node', name)}>{name}</a> {word}
        </li>
      ))}
      {slow.map(({ source, target, health }) => (
        <li key={`${source}/${target}`}>
          <span class={`sign ${health}`}>{healthOf(health).sign}</span>{' '}
          <a href={hrefOf('link', source, target)}>
            {source} → {target}
          </a>{' '}
          {healthOf(health).word}
        </li>
      ))}
    </ul>
  );
}
