import type { Command } from 'commander';
import { size } from '../system/quantities.js';
import { columns } from './columns.js';
import { endSignal } from './endSignal.js';

interface ModelFlags {
  readonly json?: boolean;
}

/** What a shell gives for Ctrl-C. */
const interrupted = 130;

const print = (value: unknown): void => console.log(JSON.stringify(value, undefined, 2));

async function list({ json }: ModelFlags): Promise<void> {
  const { listModels } = await import('edgeflow/operators');
  const models = await listModels();
  if (json) print(models);
  else {
    const rows = models.map(({ name, bytes, license, state, path }) => [name, size(bytes), license, state, path]);
    console.log(
      columns([['MODEL', 'BYTES', 'LICENSE', 'HERE', 'PATH'], ...rows], new Set(['MODEL', 'LICENSE', 'HERE', 'PATH'])).join('\n'),
    );
  }
}

async function pull(name: string, { json }: ModelFlags): Promise<void> {
  const { pullModel } = await import('edgeflow/operators');
  const end = endSignal();
  try {
    const path = await pullModel(name, end);
    if (json) print({ name, path });
    else console.log(path);
  } catch (error) {
    if (!end.signal.aborted) throw error;
    console.error(`the download of '${name}' was ended; nothing of it is kept`);
    process.exitCode = interrupted;
  } finally {
    end.release();
  }
}

async function inspect(model: string, { json }: ModelFlags): Promise<void> {
  const { inspectModel } = await import('edgeflow/operators');
  const told = await inspectModel(model);
  if (json) {
    print(told);
    return;
  }
  const { inputs, outputs, ...file } = told;
  for (const [name, value] of Object.entries(file)) console.log(`${name.padEnd(8)} ${String(value)}`);
  const rows = [...inputs.map((tensor) => ['input', tensor] as const), ...outputs.map((tensor) => ['output', tensor] as const)];
  for (const [kind, { name, type, shape }] of rows) console.log(`${kind.padEnd(8)} ${name}: ${type} [${shape.join(', ')}]`);
}

/** Adds `edgeflow models list|pull|inspect`. */
export function addModelsCommand(program: Command): void {
  const models = program.command('models').description('models by name: list, fetch, look into');
  const json = (command: Command): Command => command.option('--json', 'print JSON');
  json(models.command('list').description('models that are known by name, and whether they are here')).action(list);
  json(models.command('pull').description('fetch a model, and check its hash').argument('<name>')).action(pull);
  json(models.command('inspect').description("tell a model's inputs and outputs").argument('<model>', 'a path or a name')).action(inspect);
}
