import type { Command } from 'commander';
import { planSystem } from '../system/plan.js';
import type { LinkPlan, SystemPlan } from '../system/plan.js';
import { perSecond, size } from '../system/quantities.js';
import { columns } from './columns.js';
import { loadSystem } from './loadSystem.js';

interface PlanFlags {
  readonly json?: boolean;
}

async function plan(path: string, args: readonly string[], { json }: PlanFlags): Promise<void> {
  const { entry, system } = await loadSystem(path, args);
  const found = planSystem(system.graph(entry));
  console.log(json ? JSON.stringify(found, undefined, 2) : render(found).join('\n'));
  if (found.links.some(({ warnings }) => warnings.length > 0)) process.exitCode = 1;
}

function render({ links, heldBytes, worstBytes, undeclared }: SystemPlan): string[] {
  const header = ['LINK', 'QOS', 'RATE', 'TAKES', 'LOAD', 'SKIPPED', 'WAIT', 'HELD', 'AT MOST'];
  const warnings = links.flatMap((link) => link.warnings);
  return [
    ...columns([header, ...links.map(row)], new Set(['LINK', 'QOS'])),
    '',
    `stored: ${size(heldBytes)} while all keep up, ${size(worstBytes)} at most`,
    ...(undeclared.length > 0
      ? [`guessed, since they declare no full \`expects\` { messagesPerSecond (sources), bytes, workMs }: ${undeclared.join(', ')}`]
      : []),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
}

function row(link: LinkPlan): string[] {
  const { source, target, qos, rate, capacity, load, skippedShare, waitMs, heldBytes, worstBytes } = link;
  return [
    `${source} → ${target}`,
    qos,
    perSecond(rate),
    perSecond(capacity),
    `${Math.round(load * 100)} %`,
    qos === 'realtime' ? `${Math.round(skippedShare * 100)} %` : '–',
    Number.isFinite(waitMs) ? `${qos === 'realtime' ? '≤ ' : ''}${waitMs < 10 ? waitMs.toFixed(1) : Math.round(waitMs)} ms` : 'grows',
    size(heldBytes),
    size(worstBytes),
  ];
}

/** Adds `edgeflow plan`. */
export function addPlanCommand(program: Command): void {
  program
    .command('plan')
    .description('before running: bytes held, waits, and what is skipped, link by link, from what nodes declare by `expects`')
    .argument('<entry>', 'JavaScript or TypeScript module')
    .argument('[args...]', "the entry's own arguments, after --")
    .option('--json', 'print JSON')
    .action(plan);
}
