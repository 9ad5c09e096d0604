import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { LinkView, NodeView, Snapshot } from '../wire.js';
import * as format from './format.js';
import { healthOf, qosOf, stateOf } from './health.js';
import { boxHeight, boxWidth, labelHeight, labelWidth, layOut } from './layout.js';
import { hrefOf } from './store.js';

const narrow = matchMedia('(max-width: 640px)');

/**
 * Nodes as boxes and links as lines, with what passes through them. What is drawn is named by links that lie over it: the
 * table below says the figures to those who do not see.
 */
export function Graph({ snapshot, chosen }: { readonly snapshot: Snapshot; readonly chosen: string }): JSX.Element {
  const [upright, setUpright] = useState(narrow.matches);
  useEffect(() => {
    const onChange = (): void => setUpright(narrow.matches);
    narrow.addEventListener('change', onChange);
    return () => {
      narrow.removeEventListener('change', onChange);
    };
  }, []);
  const shape = JSON.stringify([snapshot.nodes.map(({ name }) => name), snapshot.links.map(({ source, target }) => [source, target])]);
  const layout = useMemo(() => layOut(snapshot, upright), [shape, upright]);
  return (
    // Scrolled by keyboard too.
    <div class="graph" tabIndex={0} role="region" aria-label="Graph of nodes and links">
      <svg
        viewBox={`0 0 ${layout.width} ${layout.height}`}
        style={{ width: '100%', minWidth: `${layout.width * (upright ? 0.6 : 0.62)}px`, maxWidth: `${layout.width * 1.1}px` }}
      >
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0L8 4L0 8z" class="arrow" />
          </marker>
        </defs>
        {layout.lines.map(({ source, target, path, label }) => {
          const link = snapshot.links.find((known) => known.source === source && known.target === target);
          return (
            link && <Line key={`${source}/${target}`} link={link} path={path} at={label} chosen={chosen === `link/${source}/${target}`} />
          );
        })}
        {snapshot.nodes.map((node) => {
          const at = layout.boxes.get(node.name);
          return at && <Node key={node.name} node={node} at={at} chosen={chosen === `node/${node.name}`} />;
        })}
      </svg>
    </div>
  );
}

interface Place {
  readonly x: number;
  readonly y: number;
}

function Line(props: { readonly link: LinkView; readonly path: string; readonly at: Place; readonly chosen: boolean }): JSX.Element {
  const { link, path, at, chosen } = props;
  const { source, target, qos, health, shadow } = link;
  const { sign, word } = healthOf(health);
  const second = qos === 'realtime' ? `skips ${format.rate(link.skippedPerSecond)}` : `${format.count(link.pending)} pending`;
  const ages = `age ${format.milliseconds(link.ageP50Ms)} / ${format.milliseconds(link.ageP99Ms)}`;
  return (
    <>
      <g aria-hidden="true">
        <path d={path} class={`edge ${qos} ${shadow ? 'shadow ' : ''}${health}`} marker-end="url(#arrow)" />
        <rect
          x={at.x - labelWidth / 2 + 3}
          y={at.y - labelHeight / 2}
          width={labelWidth - 6}
          height={labelHeight}
          rx="7"
          class={`label ${health}`}
        />
        <text x={at.x} y={at.y - 9} class="figure">
          <tspan class={`sign ${health}`}>{sign}</tspan> {format.rate(link.donePerSecond)}
          {link.dead > 0 && <tspan class="sign down"> ✉{format.count(link.dead)}</tspan>}
          {shadow && <tspan class="small"> shadow</tspan>}
        </text>
        <text x={at.x} y={at.y + 4} class="small">
          {second}
        </text>
        <text x={at.x} y={at.y + 16} class="small">
          {ages}
        </text>
      </g>
      <a
        href={hrefOf('link', source, target)}
        class={chosen ? 'chosen' : undefined}
        aria-label={`Link ${source} to ${target}, ${qosOf(link)}: ${word}`}
      >
        <path d={path} class="hit" />
        <rect x={at.x - labelWidth / 2 + 3} y={at.y - labelHeight / 2} width={labelWidth - 6} height={labelHeight} rx="7" class="hit" />
      </a>
    </>
  );
}

function Node({ node, at, chosen }: { readonly node: NodeView; readonly at: Place; readonly chosen: boolean }): JSX.Element {
  const left = at.x - boxWidth / 2;
  const top = at.y - boxHeight / 2;
  const { name, replicas } = node;
  const { sign, word, tone } = stateOf(node);
  const sum = (of: (replica: (typeof replicas)[number]) => number): number => replicas.reduce((total, replica) => total + of(replica), 0);
  const rate = sum(({ publishedPerSecond, takenPerSecond }) => (node.topic ? publishedPerSecond : takenPerSecond));
  const restarts = sum((replica) => replica.restarts);
  const shown = name.length > 17 ? `${name.slice(0, 16)}…` : name;
  return (
    <>
      <g aria-hidden="true">
        <rect x={left} y={top} width={boxWidth} height={boxHeight} rx="9" class={`box ${tone}`} />
        <text x={left + 12} y={top + 22} class="name">
          {shown}
          {replicas.length > 1 && <tspan class="small"> ×{replicas.length}</tspan>}
        </text>
        <text x={left + boxWidth - 12} y={top + 22} class="end figure">
          {format.rate(rate)}
        </text>
        <text x={left + 12} y={top + 43} class="small start">
          <tspan class={`sign ${tone}`}>{sign}</tspan> {word}
        </text>
        <text x={left + boxWidth - 12} y={top + 43} class="end small">
          {restarts > 0 ? `↻ ${restarts} restart${restarts === 1 ? '' : 's'}` : node.isolation}
        </text>
        <text x={left + 12} y={top + 62} class="small start">
          CPU {format.percent(sum(({ cpuShare = 0 }) => cpuShare))}
        </text>
        <text x={left + boxWidth - 12} y={top + 62} class="end small">
          RSS {format.bytes(sum(({ rssBytes = 0 }) => rssBytes))}
        </text>
      </g>
      <a href={hrefOf('node', name)} class={chosen ? 'chosen' : undefined} aria-label={`Node ${name}: ${word}`}>
        <rect x={left} y={top} width={boxWidth} height={boxHeight} rx="9" class="hit" />
      </a>
    </>
  );
}
