import { QoS } from '../../qos.js';
import { shadowsOf } from '../../system/graph.js';
import type { Graph } from '../../system/graph.js';
import { linkLabel, nodeLabel } from './labels.js';

/** What is used of dagre, whose own types do not resolve for ES modules. */
interface Layout {
  setGraph(options: Readonly<Record<string, string | number>>): void;
  setDefaultEdgeLabel(label: () => object): void;
  setNode(id: string, node: { readonly label: string; readonly width: number; readonly height: number }): void;
  setEdge(source: string, target: string): void;
  graph(): { readonly width?: number; readonly height?: number };
  nodes(): string[];
  node(id: string): { readonly label: string; readonly width: number; readonly height: number; readonly x: number; readonly y: number };
  edge(source: string, target: string): { readonly points: readonly { readonly x: number; readonly y: number }[] };
}
interface Dagre {
  readonly graphlib: { readonly Graph: new () => Layout };
  layout(graph: Layout): void;
}

const nodeHeight = 40;
const characterWidth = 8;
const margin = 16;

const escape = (text: string): string => text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** The graph as a picture, laid out by dagre; dashed lines may skip, solid ones lose nothing. */
export async function drawSvg(graph: Graph): Promise<string> {
  const { name, nodes, links } = graph;
  const shadows = shadowsOf(graph);
  const { default: dagre } = (await import('@dagrejs/dagre')) as unknown as { readonly default: Dagre };
  const layout = new dagre.graphlib.Graph();
  layout.setGraph({ rankdir: 'LR', nodesep: 24, ranksep: 96, marginx: margin, marginy: margin });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes.values()) {
    const label = nodeLabel(node);
    layout.setNode(node.name, { label, width: label.length * characterWidth + 32, height: nodeHeight });
  }
  for (const { source, target } of links) layout.setEdge(source, target);
  dagre.layout(layout);
  const { width = 0, height = 0 } = layout.graph();

  const boxes = layout.nodes().map((id) => {
    const { x, y, width: wide, height: high, label } = layout.node(id);
    return (
      `<rect x="${x - wide / 2}" y="${y - high / 2}" width="${wide}" height="${high}" rx="6" fill="#eef3f8" stroke="#35506b"/>` +
      `<text x="${x}" y="${y + 5}" text-anchor="middle">${escape(label)}</text>`
    );
  });
  const lines = links.map(({ source, target, qos }) => {
    const { points } = layout.edge(source, target);
    const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
    const path = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join(' ');
    // What only looks on is drawn as lightly as it weighs.
    const shadow = shadows.has(target);
    const colour = shadow ? '#9aa9b8' : '#35506b';
    const dash = qos === QoS.REALTIME ? ' stroke-dasharray="6 4"' : '';
    return (
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"${dash} marker-end="url(#arrow)"/>` +
      `<text x="${middle.x.toFixed(1)}" y="${(middle.y - 6).toFixed(1)}" text-anchor="middle" font-size="11" fill="#555" stroke="#fff" stroke-width="4" paint-order="stroke">${linkLabel(qos, shadow)}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" width="${Math.ceil(width)}" height="${Math.ceil(height)}" font-family="sans-serif" font-size="14">`,
    `<title>${escape(name)}</title>`,
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#35506b"/></marker></defs>',
    ...lines,
    ...boxes,
    '</svg>',
  ].join('\n');
}
