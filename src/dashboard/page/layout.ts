import dagre from '@dagrejs/dagre';
import type { Snapshot } from '../wire.js';

/** How much room boxes and labels have, in pixels. */
export interface Sizes {
  /** Whether only what matters most is told: more of a large graph is seen at once. */
  readonly compact: boolean;
  readonly box: { readonly width: number; readonly height: number };
  readonly label: { readonly width: number; readonly height: number };
}

/** The boxes and lines of a graph, in pixels. */
export interface Layout {
  readonly sizes: Sizes;
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  readonly lines: readonly {
    readonly source: string;
    readonly target: string;
    readonly path: string;
    readonly label: { readonly x: number; readonly y: number };
  }[];
}

const roomy: Sizes = { compact: false, box: { width: 186, height: 74 }, label: { width: 150, height: 46 } };
const compact: Sizes = { compact: true, box: { width: 200, height: 44 }, label: { width: 138, height: 32 } };
/** Graphs of more nodes are drawn compact. */
const mostRoomy = 12;

export const isCompact = ({ nodes }: Pick<Snapshot, 'nodes'>): boolean => nodes.length > mostRoomy;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** From left to right, or, where the window is narrow, from top to bottom. */
export function layOut({ nodes, links }: Pick<Snapshot, 'nodes' | 'links'>, upright: boolean): Layout {
  const graph = new dagre.graphlib.Graph();
  const sizes = isCompact({ nodes }) ? compact : roomy;
  graph.setGraph({
    rankdir: upright ? 'TB' : 'LR',
    nodesep: sizes.compact ? 8 : 14,
    ranksep: upright ? 26 : 48,
    edgesep: 10,
    marginx: 6,
    marginy: 6,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { name } of nodes) graph.setNode(name, { ...sizes.box });
  for (const { source, target } of links) graph.setEdge(source, target, { ...sizes.label, labelpos: 'c' });
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number };
  return {
    sizes,
    width,
    height,
    boxes: new Map(nodes.map(({ name }) => [name, graph.node(name) as unknown as Point])),
    lines: links.map(({ source, target }) => {
      const edge = graph.edge(source, target) as unknown as { readonly points: readonly Point[]; readonly x: number; readonly y: number };
      return { source, target, path: curve(edge.points), label: { x: edge.x, y: edge.y } };
    }),
  };
}

/** Through the middles between the points, bent at the points. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const last = rest.at(-1) ?? first;
  const bends = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? last;
    return `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  return `M${first.x} ${first.y}${bends.join('')}L${last.x} ${last.y}`;
}
