#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EdgeFlowError } from '../errors.js';
import { isolations } from '../system/isolation.js';
import { parseBroker } from './brokerOption.js';
import { checkDefaults, checkEntry } from './check.js';
import type { CheckFlags } from './check.js';
import { addCompletionCommand } from './completion.js';
import { addDashboardCommand, entryFirst, parseDashboard } from './dashboard.js';
import { addDeadCommand } from './dead.js';
import { addDoctorCommand } from './doctor.js';
import { parseDuration } from './duration.js';
import { addGraphCommand } from './graph.js';
import { addGroupsCommand } from './groups.js';
import { addInitCommand } from './init.js';
import { addModelsCommand } from './models.js';
import { addPlanCommand } from './plan.js';
import { addRecordCommand } from './record.js';
import { addReplayCommand } from './replay.js';
import { runSystem } from './runSystem.js';
import type { RunFlags } from './runSystem.js';
import { addServiceCommand } from './service.js';
import { addTailCommand } from './tail.js';
import { addTopCommand } from './top.js';
import { addTopicsCommand } from './topics.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };
const demoEntry = fileURLToPath(new URL('../../recipes/street/demo.js', import.meta.url));

function addRunOptions(command: Command): Command {
  return command
    .addOption(new Option('--broker <kind>', 'embedded or redis').argParser(parseBroker))
    .addOption(
      new Option('--isolation <kind>', 'run each node in a process or a thread of its own, or all inline in the main one').choices(
        isolations,
      ),
    )
    .addOption(new Option('--for <duration>', 'stop after this time, such as 10s or 5m').argParser(parseDuration))
    .addOption(new Option('--resume', 'deliver what an earlier run left unacked').conflicts('reset'))
    .addOption(
      new Option('--reset [scope]', 'discard what an earlier run left unacked; on a Redis that others use, with `namespace`').argParser(
        parseReset,
      ),
    )
    .addOption(
      new Option('--dashboard [address]', 'show the system in the browser; off loopback a token is asked for')
        .argParser(parseDashboard)
        .preset('127.0.0.1:8000'),
    )
    .option('--dashboard-control', 'let the dashboard pause, restart and re-drive')
    .option('--dashboard-tls-key <file>', 'serve the dashboard by HTTPS, with this key')
    .option('--dashboard-tls-cert <file>', 'and this certificate, both PEM')
    .addOption(new Option('--log <form>', 'print what nodes log as text or as JSON').choices(['text', 'json']).default('text'))
    .option('--watch', 'restart a node when its file changes; the others go on, and nothing is lost')
    .option('--no-table', 'print no live table')
    .option('--json', 'print the ledger at the end as JSON, and no table');
}

function parseReset(text: string): 'namespace' {
  if (text === 'namespace') return text;
  throw new InvalidArgumentError(`expected namespace, or nothing. ${entryFirst('--reset')}`);
}

function parseCount(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
}

const program = new Command('edgeflow')
  .description('Reactive stream processing for edge-AI video pipelines.')
  .version(version)
  .showHelpAfterError('(edgeflow --help shows the commands)');

addRunOptions(program.command('run'))
  .description('run the System that a module default-exports, one process a node if not told otherwise')
  .argument('<entry>', 'JavaScript or TypeScript module')
  .argument('[args...]', "the entry's own arguments, after --")
  .action((entry: string, args: string[], flags: RunFlags) => runSystem(entry, args, flags));

addRunOptions(program.command('demo'))
  .description('camera → yolo → logger and recorder on a generated street scene, or on a video of yours')
  .option('--source <source>', 'video file, rtsp:// url or /dev/videoN; otherwise the generated scene')
  .option('--model <model>', 'YOLO model in ONNX form: a path or a name; otherwise the one made for the scene')
  .option('--output <directory>', 'folder for detections and pictures', '.edgeflow/demo')
  .action(({ source, model, output, ...flags }: RunFlags & { source?: string; model?: string; output: string }) => {
    const args = ['--output', output];
    if (source !== undefined) args.push('--source', source);
    if (model !== undefined) args.push('--model', model);
    return runSystem(demoEntry, args, flags);
  });

program
  .command('check')
  .description('run a System on temporary brokers while its processes are killed, paused and slowed, and check that nothing is lost')
  .argument('<entry>', 'JavaScript or TypeScript module')
  .argument('[args...]', "the entry's own arguments, after --")
  .addOption(
    new Option('--broker <kind>', 'embedded, or redis: a pair of servers of its own')
      .choices(['embedded', 'redis'])
      .default(checkDefaults.broker),
  )
  .addOption(
    new Option('--runs <count>', 'runs with random faults, after the one without').argParser(parseCount).default(checkDefaults.runs),
  )
  .addOption(new Option('--faults <count>', 'most faults of a run').argParser(parseCount).default(checkDefaults.faults))
  .addOption(
    new Option('--for <duration>', 'how long each run goes on before it is stopped')
      .argParser(parseDuration)
      .default(checkDefaults.for, '5s'),
  )
  .addOption(
    new Option('--drain <duration>', 'how long it may then take to consume what is left')
      .argParser(parseDuration)
      .default(checkDefaults.drain, '10s'),
  )
  .addOption(
    new Option('--shrinks <count>', 'most runs spent on finding a smaller schedule').argParser(parseCount).default(checkDefaults.shrinks),
  )
  .addOption(new Option('--seed <number>', 'makes the same random schedules again').argParser(parseCount))
  .addOption(new Option('--schedule <faults>', "these faults alone, such as 'kill yolo@1200,pause logger@500+2000'").conflicts('runs'))
  .option('--before <command>', 'run before each run, to clear what nodes leave outside the broker')
  .option('--json', 'print the result as JSON on standard output, and progress on standard error')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action((entry: string, args: string[], flags: CheckFlags) => checkEntry(entry, args, flags));

addInitCommand(program);
addGraphCommand(program);
addPlanCommand(program);
addTopCommand(program);
addDashboardCommand(program);
addTopicsCommand(program);
addTailCommand(program);
addDoctorCommand(program);
addModelsCommand(program);
addDeadCommand(program);
addRecordCommand(program);
addReplayCommand(program);
addGroupsCommand(program);
addServiceCommand(program);
addCompletionCommand(program);

// Whoever read has gone, as `head` does when it has seen enough: what is at work ends by itself, and says no more.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

try {
  await program.parseAsync();
} catch (error) {
  // What EdgeFlow says is meant to be read; anything else is a defect, and its stack helps to find it.
  console.error(error instanceof EdgeFlowError ? `${error.code}: ${error.message}` : error);
  process.exitCode = 1;
}
// What a module of the user has begun, such as a timer, would keep the process; what was written is to arrive first.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
