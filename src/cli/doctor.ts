import type { Command } from 'commander';
import { checkHost } from './doctor/host.js';
import type { Finding } from './doctor/finding.js';
import { checkModels } from './doctor/models.js';
import { checkPackages } from './doctor/packages.js';
import { checkPrograms } from './doctor/programs.js';
import { checkRedis } from './doctor/redis.js';
import { columns } from './columns.js';

const signs = { ok: 'ok', warn: 'warn', error: 'ERROR' } as const;

async function doctor({ json }: { readonly json?: boolean }): Promise<void> {
  const found = [
    ...checkHost(),
    ...(await Promise.all([checkPrograms(), checkPackages(), checkRedis(), checkModels()])).flat(),
  ] satisfies Finding[];
  if (json) console.log(JSON.stringify(found, undefined, 2));
  else console.log(render(found).join('\n'));
  if (found.some(({ state }) => state === 'error')) process.exitCode = 1;
}

function render(found: readonly Finding[]): string[] {
  const rows = columns(
    [['', 'CHECK', 'FOUND'], ...found.map(({ state, name, found: what }) => [signs[state], name, what])],
    new Set(['', 'CHECK', 'FOUND']),
  );
  const lines = rows.flatMap((row, index) => {
    const mend = found[index - 1]?.mend;
    return mend === undefined ? [row] : [row, `         → ${mend}`];
  });
  const count = (state: Finding['state']): number => found.filter((finding) => finding.state === state).length;
  return [...lines, '', `${count('ok')} ok, ${count('warn')} to look at, ${count('error')} that will fail`];
}

/** Adds `edgeflow doctor`. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'check this machine: Node, programs, packages, shared memory, cameras, clock, Redis, models; with the mend of each finding',
    )
    .option('--json', 'print JSON')
    .action(doctor);
}
