import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LinkView, NodeView, Snapshot } from '../wire.js';
import * as format from './format.js';
import { healthOf, qosOf, stateOf } from './health.js';
import { layOut } from './layout.js';
import type { Layout, Sizes } from './layout.js';
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
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Chosen in the table, it may be out of sight. Only the graph is scrolled, not the page.
    const inside = place.current?.querySelector('a.chosen')?.getBoundingClientRect();
    const outside = place.current?.getBoundingClientRect();
    if (!inside || !outside) return;
    const beyond = (low: number, high: number, lowest: number, highest: number): number =>
      low < lowest ? low - lowest : high > highest ? high - highest : 0;
    place.current?.scrollBy(
      beyond(inside.left, inside.right, outside.left, outside.right),
      beyond(inside.top, inside.bottom, outside.top, outside.bottom),
    );
  }, [chosen, layout]);
  return (
    // Scrolled by keyboard too.
    <div class="graph" ref={place} tabIndex={0} role="region" aria-label="Graph of nodes and links">
      <svg
        viewBox={`0 0 ${layout.width} ${layout.height}`}
        // As much of it as can be read is in sight at once.
        style={{ width: '100%', minWidth: `${layout.width * 0.62}px`, maxWidth: widest(layout, upright) }}
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="14"
            markerHeight="14"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0L8 4L0 8z" class="arrow" />
          </marker>
        </defs>
        {layout.lines.map(({ source, target, path, label }) => {
          const link = snapshot.links.find((known) => known.source === source && known.target === target);
          return (
            link && (
              <Line
                key={`${source}/${target}`}
                link={link}
                path={path}
                at={label}
                sizes={layout.sizes}
                chosen={chosen === `link/${source}/${target}`}
              />
            )
          );
        })}
        {snapshot.nodes.map((node) => {
          const at = layout.boxes.get(node.name);
          return at && <Node key={node.name} node={node} at={at} sizes={layout.sizes} chosen={chosen === `node/${node.name}`} />;
        })}
      </svg>
    </div>
  );
}

function widest({ width, height }: Layout, upright: boolean): string {
  return upright ? `${width * 1.1}px` : `max(${width * 0.88}px, min(${width * 1.1}px, ${(74 * width) / height}vh))`;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

interface LineProps {
  readonly link: LinkView;
  readonly path: string;
  readonly at: Place;
  readonly sizes: Sizes;
  readonly chosen: boolean;
}

function Line({ link, path, at, sizes, chosen }: LineProps): JSX.Element {
  const { source, target, qos, health, shadow } = link;
  const { sign, word } = healthOf(health);
  const { width, height } = sizes.label;
  const place = { x: at.x - width / 2 + 3, y: at.y - height / 2, width: width - 6, height, rx: 7 };
  const left = qos === 'realtime' ? `skips ${format.rate(link.skippedPerSecond)}` : `${format.count(link.pending)} pending`;
  const ages = `age ${format.milliseconds(link.ageP50Ms)} / ${format.milliseconds(link.ageP99Ms)}`;
  return (
    <>
      <g aria-hidden="true">
        <path d={path} class={`edge ${qos} ${shadow ? 'shadow ' : ''}${health}`} marker-end="url(#arrow)" />
        <rect {...place} class={`label ${health}`} />
        <text x={at.x} y={at.y - (sizes.compact ? 2 : 9)} class="figure">
          <tspan class={`sign ${health}`}>{sign}</tspan> {format.rate(link.donePerSecond)}
          {link.dead > 0 && <tspan class="sign down"> ✉{format.count(link.dead)}</tspan>}
          {shadow && <tspan class="small"> shadow</tspan>}
        </text>
        <text x={at.x} y={at.y + (sizes.compact ? 11 : 4)} class="small">
          {left}
        </text>
        {!sizes.compact && (
          <text x={at.x} y={at.y + 16} class="small">
            {ages}
          </text>
        )}
      </g>
      <a
        href={hrefOf('link', source, target)}
        class={chosen ? 'chosen' : undefined}
        aria-label={`Link ${source} to ${target}, ${qosOf(link)}: ${word}`}
      >
        <path d={path} class="hit" />
        <rect {...place} class="hit" />
      </a>
    </>
  );
}

interface NodeProps {
  readonly node: NodeView;
  readonly at: Place;
  readonly sizes: Sizes;
  readonly chosen: boolean;
}

function Node({ node, at, sizes, chosen }: NodeProps): JSX.Element {
  const { width, height } = sizes.box;
  const place = { x: at.x - width / 2, y: at.y - height / 2, width, height, rx: 9 };
  const [left, right] = [place.x + 12, place.x + width - 12];
  const { name, replicas, isolation } = node;
  const { sign, word, tone } = stateOf(node);
  const sum = (of: (replica: (typeof replicas)[number]) => number): number => replicas.reduce((total, replica) => total + of(replica), 0);
  const rate = sum(({ publishedPerSecond, takenPerSecond }) => (node.topic ? publishedPerSecond : takenPerSecond));
  const restarts = sum((replica) => replica.restarts);
  const again = `↻ ${restarts} restart${restarts === 1 ? '' : 's'}`;
  const cpu = format.percent(sum(({ cpuShare = 0 }) => cpuShare));
  const memory = format.bytes(sum(({ rssBytes = 0 }) => rssBytes));
  // What nodes in one process take, nobody can tell apart.
  const own = isolation === 'process';
  const shown = name.length > 17 ? `${name.slice(0, 16)}…` : name;
  return (
    <>
      <g aria-hidden="true">
        <rect {...place} class={`box ${tone}`} />
        <text x={left} y={place.y + (sizes.compact ? 18 : 22)} class="name">
          {shown}
          {replicas.length > 1 && <tspan class="small"> ×{replicas.length}</tspan>}
        </text>
        <text x={right} y={place.y + (sizes.compact ? 18 : 22)} class="end figure">
          {format.rate(rate)}
        </text>
        <text x={left} y={place.y + (sizes.compact ? 35 : 43)} class="small start">
          <tspan class={`sign ${tone}`}>{sign}</tspan> {word}
        </text>
        <text x={right} y={place.y + (sizes.compact ? 35 : 43)} class="end small">
          {restarts > 0 ? again : sizes.compact && own ? `${cpu} · ${memory}` : isolation}
        </text>
        {!sizes.compact && (
          <>
            <text x={left} y={place.y + 62} class="small start">
              {own ? `CPU ${cpu}` : 'in a shared process'}
            </text>
            <text x={right} y={place.y + 62} class="end small">
              {own && `RSS ${memory}`}
            </text>
          </>
        )}
      </g>
      <a href={hrefOf('node', name)} class={chosen ? 'chosen' : undefined} aria-label={`Node ${name}: ${word}`}>
        <rect {...place} class="hit" />
      </a>
    </>
  );
}
