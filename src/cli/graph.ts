import { Option } from 'commander';
import type { Command } from 'commander';
import type { Graph } from '../system/graph.js';
import { checkGraph, shadowsOf } from '../system/graph.js';
import { drawSvg } from './graph/svg.js';
import { toMermaid, toText } from './graph/text.js';
import { loadSystem } from './loadSystem.js';

const formats = ['text', 'mermaid', 'svg', 'json'] as const;
type Format = (typeof formats)[number];

interface GraphFlags {
  readonly format: Format;
  readonly json?: boolean;
}

async function show(path: string, args: readonly string[], { format, json }: GraphFlags): Promise<void> {
  const { entry, system } = await loadSystem(path, args);
  const graph = system.graph(entry);
  checkGraph(graph);
  console.log(await drawn(graph, json ? 'json' : format));
}

async function drawn(graph: Graph, format: Format): Promise<string> {
  switch (format) {
    case 'text':
      return toText(graph);
    case 'mermaid':
      return toMermaid(graph);
    case 'svg':
      return drawSvg(graph);
    case 'json':
      return JSON.stringify(plain(graph), undefined, 2);
  }
}

/** Without the options of nodes, which may hold the passwords of cameras. */
function plain(graph: Graph): unknown {
  const { name, nodes, links } = graph;
  const shadows = shadowsOf(graph);
  return {
    name,
    nodes: [...nodes.values()].map(({ name: node, module, replicas, isolation }) => ({ name: node, module, replicas, isolation })),
    links: links.map(({ source, target, qos }) => ({ source, target, qos, ...(shadows.has(target) && { shadow: true }) })),
  };
}

/** Adds `edgeflow graph`. */
export function addGraphCommand(program: Command): void {
  program
    .command('graph')
    .description('show the nodes and links of a System without running it')
    .argument('<entry>', 'JavaScript or TypeScript module')
    .argument('[args...]', "the entry's own arguments, after --")
    .addOption(new Option('--format <format>', 'how to draw it').choices(formats).default('text'))
    .option('--json', 'the same as --format json')
    .action(show);
}
