import { QoS } from '../../qos.js';
import { inputsOf, outputsOf, shadowsOf } from '../../system/graph.js';
import type { Graph } from '../../system/graph.js';
import { linkLabel, nodeLabel } from './labels.js';

/** The graph as a tree from each source; a node that is reached a second time is named, not drawn again. */
export function toText(graph: Graph): string {
  const lines: string[] = [graph.name];
  const seen = new Set<string>();
  const shadows = shadowsOf(graph);
  const draw = (name: string, indent: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const links = outputsOf(graph, name);
    links.forEach(({ target, qos }, index) => {
      const node = graph.nodes.get(target);
      const last = index === links.length - 1;
      const again = seen.has(target) && outputsOf(graph, target).length > 0 ? ' …' : '';
      lines.push(`${indent}${last ? '└' : '├'}─${linkLabel(qos, shadows.has(target))}→ ${node ? nodeLabel(node) : target}${again}`);
      draw(target, `${indent}${last ? '  ' : '│ '}`);
    });
  };
  for (const node of graph.nodes.values()) {
    if (inputsOf(graph, node.name).length > 0) continue;
    lines.push(`  ${nodeLabel(node)}`);
    draw(node.name, '  ');
  }
  return lines.join('\n');
}

/** The graph for Mermaid; a dotted arrow may skip, a solid one loses nothing. */
export function toMermaid(graph: Graph): string {
  const { nodes, links } = graph;
  const shadows = shadowsOf(graph);
  const ids = new Map([...nodes.keys()].map((name, index) => [name, `n${index}`]));
  return [
    'flowchart LR',
    ...[...nodes.values()].map((node) => `  ${ids.get(node.name)}["${nodeLabel(node)}"]`),
    ...links.map(({ source, target, qos }) => {
      const arrow = qos === QoS.REALTIME ? '-.->' : '-->';
      return `  ${ids.get(source)} ${arrow}|${linkLabel(qos, shadows.has(target))}| ${ids.get(target)}`;
    }),
  ].join('\n');
}
