import { userInfo } from 'node:os';
import { basename, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { checkOptions } from '../checkOptions.js';
import { EdgeFlowError } from '../errors.js';
import { entryPath } from './loadSystem.js';

interface ServiceFlags {
  readonly name?: string;
  readonly user: string;
  readonly environmentFile?: string;
  readonly memory?: string;
  readonly json?: boolean;
}

/** As systemd.unit(5) has it, and without the sign that begins an option. */
const unitName = /^[A-Za-z0-9_][\w:.@-]{0,200}$/;
const userName = /^[A-Za-z0-9_][\w.@\\-]{0,255}\$?$/;

/** As MemoryMax= of systemd.resource-control(5) takes it. */
function isMemory(text: string): boolean {
  return text === 'infinity' || (/^\d+(\.\d+)?[KMGTPE%]?$/.test(text) && Number.parseFloat(text) > 0);
}

const main = fileURLToPath(new URL('./main.js', import.meta.url));

function print(path: string, args: readonly string[], flags: ServiceFlags): void {
  const entry = entryPath(path);
  const name = flags.name ?? basename(entry, extname(entry)).replaceAll(/[^\w:.-]+/g, '-');
  if (!unitName.test(name))
    throw new EdgeFlowError(
      'OPTIONS_INVALID',
      `edgeflow service: '${name}' names no unit of systemd; expected letters, digits, and : _ . - @`,
    );
  const { user, memory, environmentFile } = flags;
  checkOptions('edgeflow service', [
    ['--user', user, userName.test(user), 'a name or a number, as User= of systemd takes it'],
    ['--memory', memory, memory !== undefined && isMemory(memory), 'a size such as 512M or 1.5G, a share such as 50%, or infinity'],
    ['--environment-file', environmentFile, !/[\r\n]/.test(environmentFile ?? ''), 'a path in one line'],
  ]);
  const text = unit(entry, args, flags);
  if (flags.json) {
    console.log(JSON.stringify({ name, file: `/etc/systemd/system/${name}.service`, unit: text }, undefined, 2));
    return;
  }
  console.log(text);
  console.error(
    `\n# To install it:\n#   edgeflow service ${path} | sudo tee /etc/systemd/system/${name}.service\n` +
      `#   sudo systemctl daemon-reload && sudo systemctl enable --now ${name}\n#   journalctl -u ${name} -f`,
  );
}

/** Text of a unit. What an earlier start left unacked is delivered; the drain has its ten seconds before the kill. */
function unit(entry: string, args: readonly string[], { user, environmentFile, memory }: ServiceFlags): string {
  const command = [process.execPath, main, 'run', entry, '--resume', '--no-table', ...(args.length > 0 ? ['--', ...args] : [])];
  return [
    '[Unit]',
    `Description=EdgeFlow: ${basename(entry)}`,
    'Wants=network-online.target',
    'After=network-online.target time-sync.target',
    '# A node that cannot go on is told by the log: the start is given up after five in ten minutes.',
    'StartLimitIntervalSec=600',
    'StartLimitBurst=5',
    '',
    '[Service]',
    'Type=exec',
    `User=${user}`,
    'SupplementaryGroups=video',
    `WorkingDirectory=${directive(process.cwd())}`,
    `ExecStart=${command.map(argument).join(' ')}`,
    ...(environmentFile === undefined
      ? []
      : ['# Addresses with passwords: a file that root alone can read.', `EnvironmentFile=${directive(resolve(environmentFile))}`]),
    'Restart=on-failure',
    'RestartSec=5',
    'KillMode=mixed',
    'KillSignal=SIGTERM',
    'TimeoutStopSec=30',
    ...(memory === undefined ? [] : [`MemoryMax=${memory}`]),
    'NoNewPrivileges=yes',
    'ProtectSystem=full',
    'ProtectKernelTunables=yes',
    'ProtectControlGroups=yes',
    'RestrictSUIDSGID=yes',
    'LockPersonality=yes',
    'UMask=0077',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ].join('\n');
}

/** `%` begins a specifier of systemd. */
const directive = (text: string): string => text.replaceAll('%', '%%');

/** One word of a command line as systemd reads it; `$` begins a variable. */
function argument(text: string): string {
  const escaped = directive(text).replaceAll('$', '$$$$');
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Adds `edgeflow service`. */
export function addServiceCommand(program: Command): void {
  program
    .command('service')
    .description('print a systemd unit that runs a System at boot, and delivers what was left unacked')
    .argument('<entry>', 'JavaScript or TypeScript module')
    .argument('[args...]', "the entry's own arguments, after --; every user can read them")
    .option('--name <name>', "of the unit; otherwise the entry's")
    .option('--user <user>', 'who it runs as', userInfo().username)
    .option('--environment-file <file>', 'environment with what is secret, such as EDGEFLOW_CONTROL_URL')
    .option('--memory <size>', 'most memory of all its processes, such as 1G')
    .option('--json', 'print the unit, its name and where it belongs as JSON')
    .action(print);
}
